"""skyseg: sky segmentation from labelled photographs to a mask playing on live video."""
