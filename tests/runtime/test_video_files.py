import os

import av
import numpy as np
import pytest

from src.errors import UserError
from src.runtime.video.frame import Result
from src.runtime.video.sink import MaskFolder, write_picture
from src.runtime.video.source import VideoSource
from src.runtime.video.writer import VideoWriter
from tests.model_file import binary_card, three_class_card
from tests.runtime.clips import FPS, HEIGHT, WIDTH, frame, read_mask, write_clip


def test_odd_sizes_are_padded_by_doubling_the_last_row_and_column(tmp_path):
    write_clip(tmp_path / "odd.mp4", frames=3, width=95, height=63)
    with VideoSource(tmp_path / "odd.mp4") as source:
        assert (source.width, source.height) == (96, 64)
        picture = next(iter(source)).image.astype(int)
    assert np.abs(picture[:, 95] - picture[:, 94]).max() < 12


def test_the_file_is_h264_with_its_colours_tagged_and_its_rate_exact(tmp_path):
    with VideoWriter(tmp_path / "ntsc.mp4", 64, 48, 30000 / 1001) as writer:
        for _ in range(3):
            writer.write(np.full((48, 64, 3), 128, np.uint8))
    with av.open(tmp_path / "ntsc.mp4") as container:
        stream = container.streams.video[0]
        codec = stream.codec_context
        assert (codec.name, codec.pix_fmt, codec.colorspace, codec.color_range) == ("h264", "yuv420p", 6, 1)
        assert (stream.average_rate.numerator, stream.average_rate.denominator) == (30000, 1001)
        assert stream.frames == 3


def test_an_error_removes_the_part_and_keeps_the_earlier_file(clip, tmp_path):
    target = tmp_path / "out.mp4"
    target.write_bytes(b"earlier")
    with pytest.raises(ZeroDivisionError), VideoWriter(target, WIDTH, HEIGHT, FPS) as writer:
        writer.write(frame(0))
        assert sorted(path.name for path in tmp_path.iterdir()) == [".out.part.mp4", "out.mp4"]
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]
    assert target.read_bytes() == b"earlier"


def test_ctrl_c_keeps_what_was_written(tmp_path):
    with pytest.raises(KeyboardInterrupt), VideoWriter(tmp_path / "out.mp4", WIDTH, HEIGHT, FPS) as writer:
        for index in range(5):
            writer.write(frame(index))
        raise KeyboardInterrupt
    with VideoSource(tmp_path / "out.mp4") as source:
        assert len(list(source)) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_no_frame_no_file(tmp_path):
    with VideoWriter(tmp_path / "out.mp4", WIDTH, HEIGHT, FPS):
        pass
    assert not list(tmp_path.iterdir())


def test_places_that_cannot_be_written_are_refused(tmp_path):
    with pytest.raises(UserError, match="cannot write a video of this kind") as caught:
        VideoWriter(tmp_path / "out.xyz", WIDTH, HEIGHT, FPS)
    assert ".mp4" in caught.value.fix
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be made"):
        VideoWriter(tmp_path / "file" / "out.mp4", WIDTH, HEIGHT, FPS)
    with pytest.raises(UserError, match="cannot be made"):
        MaskFolder(tmp_path / "file" / "masks", binary_card())
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(UserError, match="a folder of this name"):
        VideoWriter(tmp_path / "folder.mp4", WIDTH, HEIGHT, FPS)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_without_permission_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(UserError):
        VideoWriter(tmp_path / "out.mp4", WIDTH, HEIGHT, FPS)
    with pytest.raises(UserError, match="not writable"):
        MaskFolder(tmp_path, binary_card())


def test_masks_are_numbered_pngs(tmp_path):
    labels = np.zeros((10, 12), np.uint8)
    labels[:4] = 1
    folder = MaskFolder(tmp_path / "masks", binary_card())
    folder.write(Result(labels))
    folder.write(Result(1 - labels))
    assert sorted(path.name for path in (tmp_path / "masks").iterdir()) == ["000000.png", "000001.png"]
    assert np.array_equal(read_mask(tmp_path / "masks" / "000000.png"), labels * 255)
    MaskFolder(tmp_path / "classes", three_class_card()).write(Result(labels + 1))
    assert np.array_equal(read_mask(tmp_path / "classes" / "000000.png"), labels + 1)


def test_a_picture_of_unknown_kind_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot write pictures of this kind"):
        write_picture(tmp_path / "a.xyz", np.zeros((4, 4, 3), np.uint8))
    assert not list(tmp_path.iterdir())
