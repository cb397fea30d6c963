import numpy as np

from src.benchmark.soak import soak
from src.runtime.video.source import VideoSource
from src.runtime.video.sources.selection import Selection
from tests.model_file import write_binary_model
from tests.runtime.clips import HEIGHT, WIDTH, horizon, write_clip


def test_a_loop_begins_again_where_the_clip_ends(tmp_path):
    source = VideoSource(write_clip(tmp_path / "clip.mp4", frames=3), Selection(loop=3))
    rows = [np.count_nonzero(source.read(None).image[:, WIDTH // 2, 0] > 128) for _ in range(7)]
    source.close()
    assert (source.width, source.height) == (WIDTH, HEIGHT)
    assert all(abs(found - horizon(index % 3)) <= 1 for index, found in enumerate(rows))


def test_a_soak_plays_as_many_frames_as_asked_and_tells_the_memory(tmp_path):
    model, clip = write_binary_model(tmp_path / "sky.onnx"), write_clip(tmp_path / "clip.mp4", frames=6)
    found = soak(clip, tmp_path / "out.mp4", model, frames=120)
    assert found["frames"] == 120
    assert found["peak_mb"] >= found["last_mb"] > 10
    assert abs(found["growth_mb"] - (found["last_mb"] - found["warm_mb"])) <= 0.2
    assert soak(clip, tmp_path / "out.mp4", model, frames=5)["growth_mb"] == 0, "too short to tell, and no error"
