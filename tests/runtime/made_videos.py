"""Videos of every awkward kind, made with PyAV. Frame k is uniformly grey, `grey(k)`, so that it tells its number."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

UNEVEN_MS = (0, 40, 80, 200, 240, 1000, 1040, 1080, 2000, 2040)


def grey(index: int) -> int:
    return 20 + 8 * (index % 28)


def index_of(image: np.ndarray) -> int:
    return round((float(image.mean()) - 20) / 8)


def write_video(
    path: Path,
    times_ms: Sequence[int] = tuple(range(0, 2000, 40)),
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    size: tuple[int, int] = (64, 48),
    keyframe_every: int = 250,
    rotation: int = 0,
    picture: np.ndarray | None = None,
) -> Path:
    """A video whose frame k stands at times_ms[k]; B-frames as the codec likes.

    Args:
        rotation: of the display matrix, in degrees counter-clockwise.
        picture: uint8 [H, W, 3] BGR, for all frames instead of grey ones.
    """
    width, height = size
    with av.open(path, "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        # In AVI the unit of time is the frame.
        base = Fraction(1, 25 if path.suffix == ".avi" else 1000)
        stream.codec_context.time_base = stream.time_base = base
        stream.codec_context.gop_size = keyframe_every
        if rotation:
            stream.set_display_rotation(rotation)
        container.start_encoding()  # a video without a frame has a header too
        for index, time in enumerate(times_ms):
            image = np.full((height, width, 3), grey(index), np.uint8) if picture is None else picture
            frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format=pixels)
            frame.pts, frame.time_base = int(time * base.denominator / 1000), base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_size_change(path: Path) -> Path:
    """Five frames of 64x48, then five of 96x80, in one transport stream."""
    parts = [
        write_video(path.with_suffix(f".{size[0]}.ts"), range(0, 200, 40), size=size) for size in ((64, 48), (96, 80))
    ]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    for part in parts:
        part.unlink()
    return path
