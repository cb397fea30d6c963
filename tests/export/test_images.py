"""The images that exports are judged on."""

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from src.errors import UserError
from src.export import validation_images


def split_of(count, folder):
    """A split whose image number i is of grey level i x 20, and its mask all of class i."""
    folder.mkdir()
    rows = [
        {
            "image": cv2.imencode(".png", np.full((8, 8, 3), 20 * i, np.uint8))[1].tobytes(),
            "mask": cv2.imencode(".png", np.full((8, 8), i, np.uint8))[1].tobytes(),
        }
        for i in range(count)
    ]
    pq.write_table(pa.Table.from_pylist(rows), folder / "shard.parquet")
    return folder


def levels(frames):
    return [int(frame[0, 0, 0]) // 20 for frame in frames]


@pytest.mark.parametrize(
    ("count", "asked", "judged", "calibrated"),
    [(8, 2, [0, 5], [2, 7]), (8, 100, [0, 2, 4, 6], [1, 3, 5, 7]), (3, 100, [0, 2], [1]), (1, 5, [0], [0])],
)
def test_it_is_judged_on_other_images_than_calibrated_with(tmp_path, count, asked, judged, calibrated):
    images = validation_images(split_of(count, tmp_path / "val"), asked)
    assert (levels(images.frames), levels(images.calibration)) == (judged, calibrated)
    assert [int(mask[0, 0]) for mask in images.masks] == judged


def test_no_validation_images_is_an_error_with_its_remedy(tmp_path):
    (tmp_path / "val").mkdir()
    with pytest.raises(UserError, match="no validation images") as caught:
        validation_images(tmp_path / "val", 4)
    assert "filter.val_share" in caught.value.fix
