"""The C++ player's masks against the Python player's, by backend and precision."""

from pathlib import Path

import av
import cv2
import numpy as np
import onnx
import pytest

from src.errors import EngineError
from src.hardware import bf16_flag, overflows_int8
from src.infer import SkySegmenter
from src.model_card import BF16_AGREEMENT
from src.runtime.engines import open_engine
from src.runtime.video.compositing import Compositor
from src.runtime.video.frame import Result
from src.runtime.video.source import VideoSource
from tests.cpp.player import backends, built, fails, play
from tests.int8_model import write_int8_model
from tests.model_file import binary_card, write_binary_model
from tests.runtime.clips import read_mask
from tests.shared_data import shared

pytestmark = built

LIMIT = 0.9999
BT709 = 1  # as ITU-T H.273 numbers it
SHARED_CLIP = shared("video/udacity_vehicle_test_video.mp4")
MODES = [
    pytest.param("openvino", "fp32"),
    pytest.param(
        "openvino", "bf16", marks=pytest.mark.skipif(not bf16_flag(), reason="the processor has no bf16 arithmetic")
    ),
    pytest.param(
        "onnxruntime", "fp32",
        marks=pytest.mark.skipif("onnxruntime" not in backends(), reason="built without ONNX Runtime's headers"),
    ),
]  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return write_binary_model(tmp_path_factory.mktemp("model") / "sky.onnx", binary_card(height=160, width=256))


@pytest.fixture(scope="module")
def drive(tmp_path_factory) -> Path:
    """A rendered drive through procedural scenes."""
    from src.data.synthesis.__main__ import main

    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    main(["--clip", str(path), "--frames", "12", "--size", "322x182"])
    return path


@pytest.fixture(scope="module")
def int8(drive, tmp_path_factory) -> Path:
    with VideoSource(drive) as source:
        frames = [cv2.resize(frame.image, (256, 160))[..., ::-1] for frame in source]
    return write_int8_model(tmp_path_factory.mktemp("int8") / "int8.onnx", np.stack(frames))


def agreement(video: Path, model: Path, masks: Path, backend: str, precision: str) -> float:
    """Share of pixels on which the PNG masks of a video have the Python player's labels."""
    same = total = 0
    with VideoSource(video) as source, open_engine(model, backend=backend, precision=precision) as engine:
        segmenter = SkySegmenter(engine)
        paths = sorted(masks.glob("*.png"))
        frames = [frame.image for frame in source]
        assert len(paths) == len(frames)
        scale = 255 if engine.info.card.binary else 1
        for path, frame in zip(paths, frames, strict=True):
            labels = segmenter.predict(frame).labels * np.uint8(scale)
            mask = read_mask(path)
            assert mask.shape == labels.shape
            same += int(np.count_nonzero(mask == labels))
            total += labels.size
    return same / total


def write_bt709_clip(drive: Path, path: Path, size: tuple[int, int], pixels: str, full_range: bool) -> Path:
    """The drive again, in other pixels that say they are BT.709's."""
    with VideoSource(drive) as source, av.open(path, "w") as made:
        stream = made.add_stream("ffv1" if size[0] % 2 else "libx264", rate=10)  # x264 takes even sizes alone
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if full_range else pixels
        codec = stream.codec_context
        codec.colorspace = codec.color_primaries = codec.color_trc = BT709
        codec.color_range = 2 if full_range else 1
        for frame in source:
            picture = av.VideoFrame.from_ndarray(cv2.resize(frame.image, size), format="bgr24")
            made.mux(
                stream.encode(
                    picture.reformat(format=stream.pix_fmt, dst_colorspace="ITU709", dst_color_range=codec.color_range)
                )
            )
        made.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(("backend", "precision"), MODES)
def test_masks_of_a_rendered_clip_are_the_python_players(backend, precision, model, drive, tmp_path):
    done = play(
        "--video", drive, "--engine", model, "--backend", backend, "--precision", precision, "--save-masks", tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert f"({backend} {precision} on " in done.stdout
    assert agreement(drive, model, tmp_path, backend, precision) >= LIMIT


@pytest.mark.parametrize(("backend", "precision"), MODES)
@pytest.mark.skipif(not SHARED_CLIP.is_file(), reason="needs ../shared/video")
def test_masks_of_a_drive_are_the_python_players(backend, precision, model, tmp_path):
    """Its colours are BT.709's, which OpenCV 4.6 would decode by BT.601's matrix."""
    done = play(
        "--video",
        SHARED_CLIP,
        "--engine",
        model,
        "--backend",
        backend,
        "--precision",
        precision,
        "--save-masks",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert agreement(SHARED_CLIP, model, tmp_path, backend, precision) >= LIMIT


@pytest.mark.parametrize(
    ("size", "pixels", "full_range"),
    [((320, 180), "yuv420p", True), ((853, 480), "yuv420p", False), ((320, 180), "yuv444p", False)],
    ids=["full-range", "odd-width", "4:4:4"],
)
def test_masks_of_unusual_pixels_are_the_python_players(size, pixels, full_range, model, drive, tmp_path):
    """In BT.709's colours, which hold from the first frame to the last."""
    clip = write_bt709_clip(drive, tmp_path / "clip.mkv", size, pixels, full_range)
    done = play("--video", clip, "--engine", model, "--precision", "fp32", "--save-masks", tmp_path / "masks")
    assert done.returncode == 0, done.stderr
    assert agreement(clip, model, tmp_path / "masks", "openvino", "fp32") >= LIMIT


@pytest.mark.parametrize("agreement", [None, 0.9949, 0.995])
def test_bf16_is_the_default_where_the_card_says_that_it_keeps_the_labels(agreement, drive, tmp_path):
    metrics = {} if agreement is None else {BF16_AGREEMENT: agreement}
    model = write_binary_model(tmp_path / "sky.onnx", binary_card(metrics=metrics))
    done = play("--video", drive, "--engine", model, "--max-frames", 1, "--save-masks", tmp_path / "masks")
    with open_engine(model) as engine:
        assert f"(openvino {engine.info.precision} on " in done.stdout
    assert (engine.info.precision == "bf16") == (agreement == 0.995 and bool(bf16_flag()))


@pytest.mark.skipif(bool(bf16_flag()), reason="the processor has bf16 arithmetic")
def test_a_precision_that_the_processor_lacks_is_told_of_as_in_python(model, drive, tmp_path, capfd):
    done = play("--video", drive, "--engine", model, "--precision", "bf16", "--save-masks", tmp_path)
    assert done.returncode == 0, done.stderr
    assert agreement(drive, model, tmp_path, "openvino", "bf16") >= LIMIT
    assert done.stderr == capfd.readouterr().err


def test_masks_of_an_int8_model_are_the_python_players(int8, drive, tmp_path):
    """Also where sums of 16 bits overflow: as it is in the file, it gives an eighth of other labels there."""
    done = play("--video", drive, "--engine", int8, "--backend", "openvino", "--save-masks", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "(openvino int8 on " in done.stdout
    assert 0.2 < np.mean([read_mask(path) > 0 for path in tmp_path.glob("*.png")]) < 0.8
    assert agreement(drive, int8, tmp_path, "openvino", "int8") >= LIMIT


@pytest.mark.skipif(not overflows_int8(), reason="the processor takes int8 graphs as they are")
@pytest.mark.parametrize("kind", ["weights", "activations"])
def test_an_int8_model_that_the_export_does_not_write_is_refused_as_in_python(kind, int8, drive, tmp_path):
    """Without a zero point, OpenVINO subtracts nothing."""
    model = onnx.load(int8)
    constants = {tensor.name for tensor in model.graph.initializer}
    restoring = [node for node in model.graph.node if node.op_type == "DequantizeLinear"]
    del next(node for node in restoring if (node.input[0] in constants) == (kind == "weights")).input[2:]
    onnx.save(model, tmp_path / "other.onnx")
    message = fails(3, "--video", drive, "--engine", tmp_path / "other.onnx", "--save-masks", tmp_path / "masks")
    assert "Subtract was expected here" in message
    with pytest.raises(EngineError) as raised:
        open_engine(tmp_path / "other.onnx", backend="openvino")
    assert raised.value.why in message


def test_masks_of_more_classes_are_the_python_players(three_class_model, drive, tmp_path):
    arguments = (
        "--video",
        drive,
        "--engine",
        three_class_model,
        "--precision",
        "fp32",
        "--save-masks",
        tmp_path / "masks",
    )
    done = play(*arguments)
    assert done.returncode == 0, done.stderr
    assert agreement(drive, three_class_model, tmp_path / "masks", "openvino", "fp32") >= LIMIT


@pytest.mark.parametrize("view", ["overlay", "side-by-side", "mask", "outline"])
def test_pictures_are_the_python_players(view, model, drive, tmp_path):
    """A photo, because a video's loss would hide small differences."""
    with VideoSource(drive) as source:
        frame = next(iter(source)).image
    # So high that the outlines are wider than one pixel.
    frame = cv2.resize(frame, None, fx=6, fy=6)
    cv2.imwrite(str(tmp_path / "photo.png"), frame)
    arguments = ("--images", tmp_path / "photo.png", "--engine", model, "--precision", "fp32", "--view", view)
    done = play(*arguments, "--save", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    with open_engine(model, backend="openvino", precision="fp32") as engine:
        result = Result(SkySegmenter(engine).predict(frame).labels)
        compositor = Compositor(engine.info.card, view, frame.shape[1], frame.shape[0])
    expected = compositor.compose(frame, result)
    found = read_mask(tmp_path / "out" / "photo.png")
    assert found.shape == expected.shape
    assert np.mean(np.abs(found.astype(int) - expected) <= 1) >= LIMIT
