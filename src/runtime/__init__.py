"""The wing that runs: engines that answer frames with masks, and the video path around them.

It knows the learning wing only through the model file; torch and its family are never imported here.

    engines/      one class per backend behind `Engine`, and the engine folder that build_engine writes
    frames.py     a frame to the model's size, and its labels back to the frame's size
    segmenter.py  `SkySegmenter`: a picture in, a mask of the picture's own size out
    pictures.py   picture files of every kind, read as shown and written whole
    photo_plan.py which photographs are read, and where their outputs go
    photos.py     photographs through the segmenter
    tables.py     figures of a run as CSV
    report.py     what a run says to people
    video/        source, compositing, sinks, and the pipeline that runs them at once
"""

from src.runtime.engines import default_engine_folder, open_engine

__all__ = ["default_engine_folder", "open_engine"]
