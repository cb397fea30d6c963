"""Made clips: blue sky over brown ground, the horizon one step lower in each frame."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from src.runtime.video.writer import VideoWriter

WIDTH, HEIGHT, FPS, FRAMES = 192, 128, 12.0, 24
SKY_BGR, GROUND_BGR = (230, 150, 60), (30, 70, 110)


def horizon(index: int) -> int:
    """The first row of ground in frame `index`."""
    return 8 + 4 * index


def frame(index: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = GROUND_BGR
    picture[: horizon(index)] = SKY_BGR
    return picture


def write_clip(path: Path, frames: int = FRAMES, width: int = WIDTH, height: int = HEIGHT) -> Path:
    with VideoWriter(path, width, height, FPS) as writer:
        for index in range(frames):
            writer.write(frame(index, width, height))
    return path


def horizon_in(mask: np.ndarray) -> int:
    """Rows of sky in the middle column of a mask."""
    return int(np.count_nonzero(mask[:, mask.shape[1] // 2]))


def read_mask(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def add_sound(
    clip: Path,
    path: Path,
    *,
    codec: str = "aac",
    beep_at: float = 1.0,
    seconds: float = 2.0,
    rate: int = 48_000,
    layout: str = "mono",
) -> Path:
    """The clip with a sound track: silence, but for 0.2 s of 440 Hz from `beep_at` on."""
    times = np.arange(int(seconds * rate)) / rate
    sound = np.where((times >= beep_at) & (times < beep_at + 0.2), np.sin(2 * np.pi * 440 * times) * 0.5, 0)
    with av.open(clip) as source, av.open(path, "w") as made:
        video = made.add_stream_from_template(source.streams.video[0])
        audio = made.add_stream(codec, rate=rate, layout=layout)
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                made.mux(packet)
        interleaved = np.repeat(sound.astype(np.float32), audio.codec_context.channels)[None]
        frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        made.mux(audio.encode(frame))
        made.mux(audio.encode(None))
    return path


def beep_in(path: Path) -> tuple[float, float]:
    """When the beep of `add_sound` begins and ends, in seconds after the first picture."""
    with av.open(path) as container:
        video = container.streams.video[0]
        first = float((video.start_time or 0) * video.time_base)
        loud = []
        for frame in container.decode(audio=0):
            samples = np.abs(frame.to_ndarray().astype(np.float64)).reshape(-1)
            at = (
                frame.pts * frame.time_base
                + np.flatnonzero(samples > 0.1 * max(samples.max(), 0.3)) / frame.sample_rate
            )
            loud += [float(time) - first for time in at]
    return min(loud), max(loud)


def times_of(path: Path) -> list[float]:
    """When each picture of a video is shown, in seconds."""
    with av.open(path) as container:
        stream = container.streams.video[0]
        packets = (packet for packet in container.demux(stream) if packet.pts is not None)
        return sorted(float(packet.pts * stream.time_base) for packet in packets)
