"""Live pictures as they come: a camera through OpenCV, a network stream through PyAV.

PyAV for streams, because it says why an address cannot be opened, and decodes without the delay of one frame
per core that FFmpeg's frame threads cost.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import av
import cv2
import numpy as np

from src.errors import UserError
from src.runtime.video.sources.native import silence_native_complaints, words
from src.runtime.video.sources.urls import is_stream, redacted, shown

OPEN_S, SILENT_S = 10.0, 10.0  # how long a server may take to answer, and a stream to send nothing
CAMERA_SELECT_S = 2
STREAM_OPTIONS = {
    "rtsp_flags": "prefer_tcp",  # lost UDP packets grey out half the picture
    "analyzeduration": "1000000",  # 1 s; FFmpeg would listen for 5 s where no frame rate is said
}


class Feed(Protocol):
    """An open camera or stream.

    Attributes:
        fps: frames per second as it says itself, which may be wrong; None where it does not.
        finite: it has an end, which is no loss.
    """

    fps: float | None
    finite: bool

    def read(self) -> np.ndarray | None:
        """The next frame, uint8 [H, W, 3] BGR; None when there are no more. Raises OSError when it breaks off."""

    def close(self) -> None: ...


class Origin(Protocol):
    """What can be opened again after a loss.

    Attributes:
        name: for people, without secrets.
        stuck_s: how long `open` and `read` may stay in native code that nothing can wake and that must not be
            left behind when Python ends.
    """

    name: str
    stuck_s: float

    def open(self) -> Feed:
        """Raises UserError if there is nothing."""


@dataclass(frozen=True)
class Camera:
    """A camera by its number."""

    index: int
    stuck_s = CAMERA_SELECT_S + 0.5

    @property
    def name(self) -> str:
        return f"camera {self.index}"

    def open(self) -> "CameraFeed":
        return CameraFeed(self)


class CameraFeed:
    """See `Feed`."""

    finite = False

    def __init__(self, camera: Camera) -> None:
        silence_native_complaints()
        os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", str(CAMERA_SELECT_S))
        self._capture = cv2.VideoCapture(camera.index)
        if not self._capture.isOpened():
            self.close()
            raise UserError(
                f"{camera.name}: cannot be opened",
                "there is none of this number, another program has it, or it may not be used",
                "the first camera is 0; on Linux 'ls /dev/video*' lists them",
            )
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self.fps = self._capture.get(cv2.CAP_PROP_FPS)

    def read(self) -> np.ndarray | None:
        read, image = self._capture.read()
        if not read:
            raise OSError("the camera gives no picture")
        return image

    def close(self) -> None:
        self._capture.release()


@dataclass(frozen=True)
class Stream:
    """A network stream by its address."""

    url: str
    stuck_s = 0.5  # PyAV's calls may be left behind

    @property
    def name(self) -> str:
        return shown(self.url)

    def open(self) -> "StreamFeed":
        return StreamFeed(self)


class StreamFeed:
    """See `Feed`.

    Attributes:
        duration: in seconds; None for what has no end.
    """

    def __init__(self, stream: Stream) -> None:
        self._url = stream.url
        self._container = open_url(stream.url)
        [video, *_] = self._container.streams.video
        video.thread_type, video.codec_context.flags = (
            "SLICE",
            video.codec_context.flags | av.codec.context.Flags.low_delay,
        )
        self.fps = float(video.average_rate) if video.average_rate else None
        self.duration = self._container.duration / av.time_base if self._container.duration else None
        self.finite = self.duration is not None
        self._frames = self._decoded(video)

    def read(self) -> np.ndarray | None:
        try:
            frame = next(self._frames, None)
            return None if frame is None else frame.to_ndarray(format="bgr24")
        except av.error.FFmpegError as error:
            # Not all of FFmpeg's errors are OSErrors: that of its timeout is not.
            raise OSError(_why(error, self._url, f"nothing came for {SILENT_S:g} s")) from None

    def close(self) -> None:
        self._container.close()

    def _decoded(self, video: "av.VideoStream") -> Iterator["av.VideoFrame"]:
        for packet in self._container.demux(video):
            # `container.decode`, being a generator, would end with the first error.
            with suppress(av.error.InvalidDataError):  # a damaged packet; the next may be whole
                yield from packet.decode()


def open_url(url: str) -> "av.container.InputContainer":
    """Opens an address that has video.

    Raises:
        UserError: saying why not, without what is secret in the address.
    """
    options = STREAM_OPTIONS if is_stream(url) else {}
    try:
        container = av.open(url, options=options, timeout=(OPEN_S, SILENT_S), metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise UserError(
            f"{shown(url)}: cannot be opened",
            _why(error, url, f"no answer within {OPEN_S:g} s"),
            "check the address, user and password, and that the server runs",
        ) from None  # the cause would show the address
    if not container.streams.video:
        container.close()
        raise UserError(f"{shown(url)}: has no video", fix="check the address")
    return container


def _why(error: Exception, url: str, timeout: str) -> str:
    """What FFmpeg says, without what is secret in the address; of a timeout it says "immediate exit requested"."""
    if isinstance(error, av.error.ExitError):
        return timeout
    return redacted(words(error), url)
