"""What a source of frames is, and how one is opened."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from src.errors import UserError
from src.runtime.video.frame import Frame
from src.runtime.video.sources.files import VideoSource
from src.runtime.video.sources.selection import Selection
from src.runtime.video.sources.urls import is_stream, is_url, shown

if TYPE_CHECKING:
    from src.runtime.video.sources.feeds import Origin
    from src.runtime.video.sources.live import LiveSource

__all__ = ["Source", "VideoSource", "open_source"]


class Source(Protocol):
    """Frames in their order; a context manager that closes itself.

    Attributes:
        name: for people, without secrets.
        live: frames come when they come, and those that nobody takes in time are gone.
        drops: how many of those there were.
        lost: why a live source ended that should not have; None as long as it goes on, or if it ended well.
        width, height: of all frames, in pixels.
        fps: frames per second that are given.
        frame_count: how many frames to expect; None if unknown.
        thread_ids: of the decoder's own threads.
        ended_cpu_s: CPU seconds of those that have ended, as the decoder was opened again.
        ended_early: a message if the source was found to be cut or damaged, or empty.
    """

    name: str
    live: bool
    drops: int
    lost: UserError | None
    width: int
    height: int
    fps: float
    frame_count: int | None
    thread_ids: set[int]
    ended_cpu_s: float
    ended_early: str

    def read(self, into: np.ndarray | None = None) -> Frame | None:
        """The next frame (of a live source: the newest that was not given yet), waiting for it; None after the end.

        Args:
            into: uint8 [height, width, 3] to decode into; the image may still come back as another array.
        """

    def close(self) -> None:
        """Of a live source, wakes whoever waits in `read`."""


def open_source(
    given: str | Path, selection: Selection | None = None, reconnect_s: float | None = None
) -> "VideoSource | LiveSource":
    """Opens a video file, a camera by its number, or an rtsp, rtmp or http address.

    An address is live unless it has a duration, as a file behind it has.

    Args:
        given: what to open.
        selection: which frames to take; None takes all.
        reconnect_s: how long to try again when a live source drops; None is `live.RECONNECT_S`, 0 not at all.

    Raises:
        UserError: it cannot be opened, has no frame, or is live and the selection or `reconnect_s` does not fit.
    """
    selection = selection or Selection()
    if (origin := _live_origin(str(given))) is None:
        if reconnect_s is not None:
            raise UserError(f"--reconnect: is for cameras and streams, not for {shown(str(given))}", fix="leave it out")
        return VideoSource(given, selection)
    for option, asked in (("--start", selection.start), ("--loop", selection.loop > 1)):
        if asked:
            raise UserError(f"{option}: {origin.name} is live, and has only what comes", fix="leave it out")
    from src.runtime.video.sources.live import RECONNECT_S, LiveSource  # a file needs no PyAV, which takes a while

    return LiveSource(origin, selection, RECONNECT_S if reconnect_s is None else reconnect_s)


def _live_origin(given: str) -> "Origin | None":
    """What to follow live; None if it is a file, here or behind an address."""
    device = re.fullmatch(r"(?:/dev/video)?(\d{1,3})", given)
    if Path(given).is_file() or not (device or is_url(given)):
        return None
    from src.runtime.video.sources.feeds import Camera, Stream, open_url

    if device:
        return Camera(int(device.group(1)))
    if not is_stream(given):
        with open_url(given) as container:
            if container.duration:
                return None
    return Stream(given)
