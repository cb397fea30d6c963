import cv2
import numpy as np
import pytest

from src.data.images import UnreadableImage, encode, read_image, read_mask


def test_a_photograph_survives_the_round_trip(tmp_path):
    image = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    (tmp_path / "a.png").write_bytes(encode(image, ".png"))
    assert np.array_equal(read_image(tmp_path / "a.png"), image)


@pytest.mark.parametrize("content", [None, b"", b"not an image", "cut"])
def test_what_no_decoder_takes_is_named(tmp_path, content):
    path = tmp_path / "bad.png"
    if content == "cut":
        content = encode(np.zeros((50, 50, 3), np.uint8), ".png")[:40]
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UnreadableImage, match=r"bad\.png"):
        read_image(path)


def test_a_mask_saved_as_three_equal_channels_is_one(tmp_path):
    mask = np.array([[0, 255], [127, 0]], np.uint8)
    cv2.imwrite(str(tmp_path / "m.png"), cv2.merge([mask] * 3))
    assert np.array_equal(read_mask(tmp_path / "m.png"), mask)


@pytest.mark.parametrize(
    ("mask", "says"),
    [(np.dstack([np.zeros((4, 4)), np.ones((4, 4)), np.ones((4, 4))]).astype(np.uint8), "colour picture"),
     (np.full((4, 4), 999, np.uint16), "uint16")],
)  # fmt: skip
def test_a_mask_that_is_none_is_refused(tmp_path, mask, says):
    cv2.imwrite(str(tmp_path / "m.png"), mask)
    with pytest.raises(UnreadableImage) as caught:
        read_mask(tmp_path / "m.png")
    assert says in str(caught.value)
