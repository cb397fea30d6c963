import cv2
import numpy as np
import pytest

from src.errors import EngineError, UserError
from src.infer import SkySegmenter
from src.runtime import open_engine
from src.runtime import segmenter as segmenter_module
from src.runtime.frames import prepare, upscale_labels
from tests.model_file import HEIGHT, WIDTH, binary_card, three_class_card
from tests.runtime.clips import FRAMES, frame, horizon, horizon_in


def test_prepare_gives_the_model_its_size_in_rgb():
    picture = np.zeros((300, 500, 3), np.uint8)
    picture[:] = (10, 20, 30)
    out = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    small = prepare(picture, binary_card(), out)
    assert small is out
    assert np.all(small == (30, 20, 10))
    assert np.array_equal(prepare(picture, binary_card()), out)


def test_the_threshold_is_reached_not_exceeded():
    confidence = np.array([[127, 128, 129]], np.uint8)
    labels = upscale_labels(confidence, confidence, 3, 1, binary_card(threshold=0.5))
    assert labels.tolist() == [[0, 1, 1]]
    assert upscale_labels(confidence, confidence, 3, 1, binary_card(threshold=0.0)).all()
    full = np.array([[254, 255]], np.uint8)
    assert upscale_labels(full, full, 2, 1, binary_card(threshold=1.0)).tolist() == [[0, 1]]


def test_a_binary_edge_is_smooth_and_more_classes_stay_classes():
    ramp = np.tile(np.linspace(0, 255, 8, dtype=np.uint8), (4, 1))
    binary = upscale_labels((ramp > 127).astype(np.uint8), ramp, 80, 40, binary_card())
    assert abs(int(np.count_nonzero(binary[20])) - 40) <= 1, "the edge lies where probability crosses a half"
    labels = np.array([[0, 2], [2, 0]], np.uint8)
    many = upscale_labels(labels, np.full_like(labels, 255), 7, 5, three_class_card())
    assert many.shape == (5, 7)
    assert set(np.unique(many)) == {0, 2}, "nearest: no class between two"


def test_upscaling_writes_into_the_buffer_given():
    out = np.empty((40, 80), np.uint8)
    confidence = np.full((4, 8), 200, np.uint8)
    assert upscale_labels(confidence, confidence, 80, 40, binary_card(), out) is out
    assert out.all()


@pytest.mark.parametrize("size", [(128, 192), (37, 51), (1, 1), (1080, 1920)])
def test_the_segmenter_answers_at_the_pictures_own_size(size, binary_model):
    picture = cv2.resize(frame(10), size[::-1], interpolation=cv2.INTER_NEAREST)
    with SkySegmenter(binary_model) as segmenter:
        answer = segmenter.predict(picture)
    assert answer.labels.shape == answer.confidence.shape == size
    assert answer.labels.dtype == answer.confidence.dtype == np.uint8
    if size == (128, 192):
        assert abs(int(np.count_nonzero(answer.labels[:, 90])) - horizon(10)) <= 2


@pytest.mark.parametrize("requests", [1, 2])
def test_a_stream_keeps_the_engine_at_work_while_its_frame_is_looked_at(requests, binary_model):
    taken = []

    def pictures():
        for number in range(6):
            taken.append(number)
            yield frame(number)

    with open_engine(binary_model, requests=requests) as engine:
        for number, _ in enumerate(SkySegmenter(engine).stream(pictures())):
            assert len(taken) == min(6, number + requests + 1), "one per request beyond the one looked at"


def test_the_segmenter_leaves_a_given_engine_open_and_closes_its_own(binary_model):
    with open_engine(binary_model) as engine:
        with SkySegmenter(engine) as segmenter:
            segmenter.predict(frame(3))
        engine.infer(np.zeros((1, HEIGHT, WIDTH, 3), np.uint8))
    with SkySegmenter(str(binary_model)) as segmenter:
        pass
    with pytest.raises(EngineError, match="closed"):
        segmenter.predict(frame(3))


def test_the_segmenter_names_what_is_wrong_with_a_picture(binary_model):
    with SkySegmenter(binary_model) as segmenter:
        for wrong in (frame(0)[..., 0], frame(0).astype(np.float32), frame(0)[:0]):
            with pytest.raises(UserError, match=r"not uint8 \[H, W, 3\]"):
                segmenter.predict(wrong)
        for wrong, said in (("photo.jpg", "type str, not a numpy array"), (None, "None")):
            with pytest.raises(UserError, match=said):
                segmenter.predict(wrong)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"threshold": 5}, "threshold: 5 is not between 0 and 1"),
        ({"threshold": float("nan")}, "threshold: nan is not"),
        ({"threshold": "0.5"}, "threshold: '0.5' is not"),
        ({"refine": None}, "refine: there is no None"),
        ({"refine": "guidde"}, "refine: there is no 'guidde'"),
    ],
)
def test_the_segmenter_refuses_settings_that_mean_nothing_and_closes_its_engine(
    settings, said, binary_model, monkeypatch
):
    opened = []

    def noted(*arguments, **options):
        opened.append(open_engine(*arguments, **options))
        return opened[0]

    monkeypatch.setattr(segmenter_module, "open_engine", noted)
    with pytest.raises(UserError, match=said):
        SkySegmenter(binary_model, **settings)
    [engine] = opened
    with pytest.raises(EngineError, match="closed"):
        engine.infer(np.zeros((1, HEIGHT, WIDTH, 3), np.uint8))
    with open_engine(binary_model) as engine:
        with pytest.raises(UserError, match=said):
            SkySegmenter(engine, **settings)
        engine.infer(np.zeros((1, HEIGHT, WIDTH, 3), np.uint8))  # the caller's own stays open


def test_a_stream_gives_every_frame_with_its_masks_in_order(binary_model, clip):
    with SkySegmenter(binary_model) as segmenter:
        from_file = list(segmenter.stream(clip))
        from_pictures = list(segmenter.stream(iter([frame(index) for index in range(5)]), smooth=True))
        alone = segmenter.predict(from_file[10][0])
    assert (len(from_file), len(from_pictures)) == (FRAMES, 5)
    for index, (picture, masks) in enumerate(from_file):
        assert np.abs(picture.astype(int) - frame(index)).mean() < 4, "frames are the caller's to keep"
        assert abs(horizon_in(masks.labels) - horizon(index)) <= 2
    assert np.array_equal(from_file[10][1].confidence, alone.confidence)


def test_threshold_and_refinement_reach_the_python_interface(binary_model):
    picture = cv2.GaussianBlur(frame(10), (0, 0), 9)
    with open_engine(binary_model) as engine:
        plain, all_sky = SkySegmenter(engine).predict(picture), SkySegmenter(engine, threshold=0.0).predict(picture)
        refined = SkySegmenter(engine, refine="guided").predict(picture)
    assert all_sky.labels.all()
    assert not plain.labels.all()
    assert refined.labels.shape == plain.labels.shape


def test_the_segmenter_without_an_engine_names_the_commands(monkeypatch, tmp_path):
    monkeypatch.setattr("src.runtime.segmenter.default_engine_folder", lambda: tmp_path / "models" / "engine")
    monkeypatch.setattr("src.runtime.segmenter.released_model", lambda: tmp_path / "skyseg.onnx")
    with pytest.raises(UserError) as caught:
        SkySegmenter()
    assert "dvc repro" in caught.value.fix
    assert "make demo" in caught.value.fix
