"""Every kind of picture file that people have, against what was put into it."""

import cv2
import numpy as np
import pytest
from PIL import Image

from src.errors import UserError
from src.runtime.pictures import READABLE, UNREADABLE, WRITABLE, read_picture, to_stored_grid, write_picture

RGB = np.zeros((40, 60, 3), np.uint8)
RGB[:20], RGB[20:], RGB[:10, :10] = (60, 150, 230), (110, 70, 30), (255, 0, 0)
BGR = np.ascontiguousarray(RGB[..., ::-1])
# How a viewer turns a stored picture for each orientation, as Exif 2.32 describes it, in Pillow's words.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def near(image, wanted=BGR, limit=2.0):
    assert image.dtype == np.uint8
    assert image.shape == wanted.shape
    assert image.flags.c_contiguous
    return np.abs(image.astype(int) - wanted).mean() < limit


def exif_of(orientation):
    exif = Image.Exif()
    exif[0x112] = orientation
    return exif


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif", ".avif"])
@pytest.mark.parametrize("orientation", TURNS)
def test_pictures_come_as_they_are_shown_and_their_masks_go_back_to_the_stored_grid(suffix, orientation, tmp_path):
    path = tmp_path / f"photo{suffix}"
    stored = Image.fromarray(RGB)
    stored.save(path, exif=exif_of(orientation), quality=95)
    picture = read_picture(path)
    assert picture.orientation == orientation
    assert near(picture.image, np.asarray(stored.transpose(TURNS[orientation]))[..., ::-1], limit=8)
    assert near(to_stored_grid(picture.image, orientation), limit=8)


def test_an_exif_that_makes_no_sense_turns_nothing(tmp_path):
    for name, exif in (
        ("zero", exif_of(0)),
        ("nine", exif_of(9)),
        ("noise", b"Exif\0\0MM\0*\0\0\0\xff no"),
        ("cut", b"Exif\0\0II"),
    ):
        Image.fromarray(RGB).save(tmp_path / f"{name}.jpg", exif=exif)
        picture = read_picture(tmp_path / f"{name}.jpg")
        assert picture.orientation == 1
        assert near(picture.image, limit=8)


def test_transparency_is_left_out_and_the_colours_below_kept(tmp_path):
    alpha = np.full((40, 60), 255, np.uint8)
    alpha[:, :30] = 0
    picture = Image.fromarray(np.dstack([RGB, alpha]))
    picture.save(tmp_path / "a.png")
    picture.save(tmp_path / "a.webp", lossless=True, exact=True)
    assert near(read_picture(tmp_path / "a.png").image)
    assert near(read_picture(tmp_path / "a.webp").image)
    Image.fromarray(RGB).convert("P").save(tmp_path / "palette.png", transparency=0)
    assert near(read_picture(tmp_path / "palette.png").image, limit=30)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_16_bits_are_scaled_not_cut(suffix, tmp_path):
    path = tmp_path / f"deep{suffix}"
    cv2.imwrite(str(path), BGR.astype(np.uint16) * 257)
    assert near(read_picture(path).image, limit=0.6)
    cv2.imwrite(str(path), BGR[..., 1].astype(np.uint16) * 257)
    assert near(read_picture(path).image, np.repeat(BGR[..., 1:2], 3, axis=2), limit=0.6)
    cv2.imwrite(str(path), np.dstack([BGR, BGR[..., :1]]).astype(np.uint16) * 257)
    assert near(read_picture(path).image, limit=0.6)


def test_floating_point_is_taken_from_0_to_1(tmp_path):
    cv2.imwrite(str(tmp_path / "float.tif"), BGR.astype(np.float32) / 255)
    assert near(read_picture(tmp_path / "float.tif").image, limit=0.6)
    cv2.imwrite(str(tmp_path / "grey.tif"), np.array([[0, 0.5, 1, 7, -1, np.nan]], np.float32))
    assert read_picture(tmp_path / "grey.tif").image[0, :, 0].tolist() == [0, 128, 255, 255, 0, 0]


@pytest.mark.parametrize(("mode", "limit"), [("L", 60), ("1", 120), ("P", 30), ("CMYK", 3), ("LA", 60)])
def test_grey_palettes_and_cmyk_become_bgr(mode, limit, tmp_path):
    kinds = {"CMYK": (".jpg", ".tif"), "LA": (".png",), "1": (".png", ".tif")}.get(mode, (".png", ".tif"))
    for suffix in kinds:
        Image.fromarray(RGB).convert(mode).save(tmp_path / f"picture{suffix}", quality=95)
        image = read_picture(tmp_path / f"picture{suffix}").image
        wanted = np.asarray(Image.fromarray(RGB).convert(mode).convert("RGB"))[..., ::-1]
        assert near(image, wanted)
        assert near(image, limit=limit)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png", ".tif"])
def test_of_many_frames_or_pages_the_first_is_taken(suffix, tmp_path):
    first, second = Image.fromarray(RGB), Image.fromarray(255 - RGB)
    first.save(tmp_path / f"many{suffix}", save_all=True, append_images=[second])
    assert near(read_picture(tmp_path / f"many{suffix}").image, limit=8)


@pytest.mark.parametrize("suffix", READABLE)
def test_every_kind_that_is_looked_for_is_read(suffix, tmp_path):
    path = tmp_path / f"picture{suffix}"
    grey = suffix in (".pgm", ".pbm")
    written = {".jfif": ".jpg", ".gif": ".gif", ".pbm": ".pgm"}.get(suffix, suffix)
    image = (BGR.astype(np.float32) / 255) if suffix == ".hdr" else BGR[..., 1] if grey else BGR
    path.write_bytes(cv2.imencode(written, image)[1].tobytes())
    found = read_picture(path).image
    assert found.shape == BGR.shape
    assert near(found, np.repeat(BGR[..., 1:2], 3, axis=2) if grey else BGR, limit=20 if suffix == ".gif" else 8)


@pytest.mark.parametrize("size", [(1, 1), (8, 8), (1, 3000)])
def test_tiny_pictures_are_read_and_written(size, tmp_path):
    write_picture(tmp_path / "tiny.png", np.full((*size, 3), 77, np.uint8))
    assert near(read_picture(tmp_path / "tiny.png").image, np.full((*size, 3), 77))


def test_what_is_no_picture_is_refused_with_the_reason(tmp_path):
    for name, content, why in (
        ("empty.jpg", b"", "an empty file"),
        ("words.jpg", b"no picture\n" * 99, "not a picture"),
        ("cut.png", cv2.imencode(".png", BGR)[1].tobytes()[:60], "not a picture"),
        (f"phone{UNREADABLE[0]}", b"\0\0\0\x18ftypheic" + bytes(99), "OpenCV has no decoder"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError) as caught:
            read_picture(tmp_path / name)
        assert caught.value.what.startswith(str(tmp_path / name))
        assert why in caught.value.why
    with pytest.raises(UserError) as caught:
        read_picture(tmp_path / "none.jpg")
    assert "No such file" in caught.value.why


@pytest.mark.parametrize("suffix", WRITABLE)
def test_pictures_are_written_as_their_suffix_says(suffix, tmp_path):
    write_picture(tmp_path / "deep" / f"picture{suffix}", BGR)
    assert near(read_picture(tmp_path / "deep" / f"picture{suffix}").image, limit=8)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == [f"picture{suffix}"]


def test_a_picture_of_unknown_kind_is_refused(tmp_path):
    with pytest.raises(UserError, match="cannot write pictures of this kind"):
        write_picture(tmp_path / "a.xyz", np.zeros((4, 4, 3), np.uint8))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "size", "limit"),
    [
        ("a.jpg", (2, 65_501), "at most 65500"),
        ("a.WEBP", (16_384, 2), "at most 16383"),
        ("a.avif", (2, 65_537), "at most 65536"),
        ("a.png", (1, 1_000_001), "at most 1000000"),
        ("a.jp2", (31, 40), "at least 32"),
    ],
)
def test_a_size_that_the_format_does_not_hold_is_refused_with_its_limit(name, size, limit, tmp_path):
    with pytest.raises(UserError) as caught:
        write_picture(tmp_path / name, np.zeros((*size, 3), np.uint8))
    assert f"{size[1]}x{size[0]} cannot be written" in caught.value.what
    assert limit in caught.value.why
    assert not list(tmp_path.iterdir())
    write_picture(tmp_path / "a.tif", np.zeros((*size, 3), np.uint8))


def test_names_of_any_script_and_length_are_written(tmp_path):
    for name in ("Himmel über 雲.png", "雲" * 83 + ".png", "x" * 251 + ".png"):
        write_picture(tmp_path / name, BGR)
        assert near(read_picture(tmp_path / name).image)
    assert len(list(tmp_path.iterdir())) == 3
