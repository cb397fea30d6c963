"""A video file, complete or absent: H.264, or with an alpha channel QuickTime Animation."""

from contextlib import suppress
from pathlib import Path
from types import TracebackType

import av
import cv2
import numpy as np

from src.errors import UserError
from src.files import PartFile
from src.runtime.video.cpu_clock import threads_started
from src.runtime.video.sound import SoundTracks
from src.runtime.video.sources.native import words
from src.runtime.video.timing import OutputClock

VIDEO_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv")
ALPHA_SUFFIX = ".mov"
# Measured at 1280x720 on 2 cores, CPU per frame: ultrafast 6 ms, superfast 13 ms, veryfast 22 ms. Any but the
# first costs more than the model; its files are twice as large.
PRESET = "ultrafast"
QUALITY = "20"  # libx264's constant rate factor
# Lossless. At 1280x720, CPU per frame: 16 ms, PNG 68 ms, ProRes 4444 113 ms (of its 1.6, 0.9 and 0.6 MB).
ALPHA_CODEC, ALPHA_FORMAT = "qtrle", "argb"
FALLBACK_CODEC = "mpeg4"
FALLBACK_QUALITY = 3  # of 1 (best) to 31: about what crf 20 looks like
MPEG4_TICKS = 65_535  # ISO/IEC 14496-2, vop_time_increment_resolution has 16 bits
FASTSTART = {"movflags": "faststart"}  # the index first, so that a player can begin before the file is whole
BT601, LIMITED_RANGE = 6, 1  # what COLOR_BGR2YUV_I420 produces, as ITU-T H.273 numbers it


def refuse_unless_video(path: Path, alpha: bool = False) -> None:
    """Raises UserError where `VideoWriter` could not write such a file."""
    if path.suffix.lower() not in VIDEO_SUFFIXES:
        raise UserError(
            f"{path}: cannot write a video of this kind", fix=f"end it in one of: {', '.join(VIDEO_SUFFIXES)}"
        )
    if alpha and path.suffix.lower() != ALPHA_SUFFIX:
        raise UserError(
            f"{path}: a video of this kind has no transparency",
            fix=f"end it in {ALPHA_SUFFIX}, or fill the sky with a colour: --background '#ffffff'",
        )
    if path.is_dir():
        raise UserError(f"{path}: a folder of this name is in the way", fix="name a file")


class VideoWriter:
    """A video file that is complete or absent.

    As a context manager it keeps the file on success and on Ctrl-C, and on any other exception removes what
    it wrote; an existing file at `path` stays untouched until then.

    Args:
        path: ends in one of `VIDEO_SUFFIXES`, with `alpha` in `ALPHA_SUFFIX`; missing folders are made.
        width, height: of the pictures, in pixels; an odd size gets its last column or row doubled, because
            4:2:0 video has even sizes only.
        fps: frames per second, nominally.
        alpha: the pictures have an alpha channel, which is kept.
        sound: goes along with the pictures; closed with the file.

    Attributes:
        notes: what a user would not expect of the file, a line each.
        thread_ids: of the encoder's own threads.

    Raises:
        UserError: another suffix, or nothing can be written there.
    """

    def __init__(
        self,
        path: str | Path,
        width: int,
        height: int,
        fps: float,
        *,
        alpha: bool = False,
        sound: SoundTracks | None = None,
    ) -> None:
        self.path, self.width, self.height, self.alpha = Path(path), width, height, alpha
        refuse_unless_video(self.path, alpha)
        self.notes: list[str] = []
        self._sound = sound
        self._padding = (0, 0) if alpha else (height % 2, width % 2)
        self._start = 0.0
        self._end: int | None = None  # where the latest frame ends, in ticks
        self._place = PartFile(self.path)
        try:
            self._open(fps)
        except (av.error.FFmpegError, OSError) as error:
            self._place.discard()
            raise UserError(f"{self.path}: cannot write there", words(error), "choose another folder") from error

    def write(self, image: np.ndarray, time: float | None = None) -> None:
        """Appends a picture.

        Args:
            image: uint8 [height, width, 3] BGR, with `alpha` [height, width, 4] BGRA.
            time: of the frame, in seconds from its source's first; None is one frame after the last.

        Raises:
            UserError: the disk is full, or the like.
        """
        if self._end is None:
            self._start = time or 0.0
        frame = self._frame(image)
        frame.pts, frame.time_base = self._clock.tick(time), self._clock.time_base
        frame.duration = self._clock.frame_ticks
        self._end = frame.pts + self._clock.frame_ticks
        try:
            self._mux(frame)
            if self._sound is not None:
                self._sound.until(self._clock.seconds(frame.pts), self._start)
        except (av.error.FFmpegError, OSError) as error:
            raise UserError(f"{self.path}: cannot be written to", words(error), _fix(error)) from error

    def finish(self) -> None:
        """Ends the file and puts it in place; without a frame there is nothing to keep, and no file.

        Raises:
            UserError: the disk refuses; nothing is left then.
        """
        if self._end is None:
            self.abort()
            return
        try:
            self._mux(None)
            if self._sound is not None:
                self._sound.until(self._clock.seconds(self._end), self._start)
                self._sound.finish()
                self.notes += self._sound.notes
            self._container.close()
            self._place.keep()
        except (av.error.FFmpegError, OSError) as error:
            self.abort()
            raise UserError(f"{self.path}: cannot be finished", words(error), _fix(error)) from error
        except BaseException:  # a second Ctrl-C
            self.abort()
            raise
        self._close_sound()

    def abort(self) -> None:
        """Removes what was written; an earlier file at `path` stays."""
        with suppress(av.error.FFmpegError, OSError):  # a full disk refuses the file's end too
            self._container.close()
        self._place.discard()
        self._close_sound()

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or issubclass(kind, KeyboardInterrupt):
            self.finish()
        else:
            self.abort()

    def _open(self, fps: float) -> None:
        """Opens the file; without the sound where that is what FFmpeg refuses, as it does TrueHD in MP4."""
        try:
            self._open_container(fps)
        except OSError:
            raise
        except av.error.FFmpegError as error:
            if not self._sound:
                raise
            self._container.close()
            self._close_sound()
            self._sound, self.notes = None, [f"note: the sound is left out: {words(error)}"]
            self._open_container(fps)

    def _open_container(self, fps: float) -> None:
        options = {} if self.path.suffix.lower() == ".mkv" else FASTSTART
        self._container = av.open(str(self._place.part.absolute()), "w", options=options)
        self._stream = self._open_stream(fps)

    def _open_stream(self, fps: float) -> av.VideoStream:
        codec_name, options = self._codec()
        self._clock = OutputClock(fps, MPEG4_TICKS if codec_name == FALLBACK_CODEC else None)
        stream = self._container.add_stream(codec_name, rate=self._clock.rate, options=options)
        stream.width, stream.height = self.width + self._padding[1], self.height + self._padding[0]
        codec = stream.codec_context
        codec.time_base = stream.time_base = self._clock.time_base
        if self.alpha:
            stream.pix_fmt = ALPHA_FORMAT
        else:
            stream.pix_fmt = "yuv420p"
            codec.colorspace = codec.color_primaries = codec.color_trc = BT601
            codec.color_range = LIMITED_RANGE
        if self._sound is not None:
            self._sound.join(self._container)
        with threads_started() as self.thread_ids:
            self._container.start_encoding()  # opens the file too, which would else wait for the first frame
        return stream

    def _codec(self) -> tuple[str, dict[str, str]]:
        if self.alpha:
            return ALPHA_CODEC, {}
        if "libx264" in av.codecs_available:
            return "libx264", {"preset": PRESET, "crf": QUALITY}
        self.notes.append("note: saved as MPEG-4 Part 2, because this build of PyAV has no H.264 encoder")
        # Its quantiser is given in the units of FFmpeg's rate control, FF_QP2LAMBDA.
        return FALLBACK_CODEC, {"flags": "+qscale", "global_quality": str(FALLBACK_QUALITY * 118)}

    def _frame(self, image: np.ndarray) -> av.VideoFrame:
        if self.alpha:
            return av.VideoFrame.from_ndarray(image, format="bgra").reformat(format=ALPHA_FORMAT)
        down, right = self._padding
        if down or right:
            image = cv2.copyMakeBorder(image, 0, down, 0, right, cv2.BORDER_REPLICATE)
        return av.VideoFrame.from_ndarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), format="yuv420p")

    def _mux(self, frame: av.VideoFrame | None) -> None:
        self._container.mux(self._stream.encode(frame))

    def _close_sound(self) -> None:
        if self._sound is not None:
            self._sound.close()


def _fix(error: Exception) -> str:
    """Of the errors of writing, those of the disk are OSErrors."""
    return "free some space, or choose another place" if isinstance(error, OSError) else ""
