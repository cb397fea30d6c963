"""The sound of a video file, taken along into another."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import av
from av.stream import Discard

from src.runtime.video.sources.native import words

SEEK_MARGIN_S = 1.0


class SoundTracks:
    """The audio streams of a video file, copied packet by packet, or as AAC where the new file cannot hold them.

    Args:
        path: of the video.

    Attributes:
        notes: what became of sound that could not be kept as it was, a line each.
    """

    def __init__(self, path: str | Path) -> None:
        self.notes: list[str] = []
        self._tracks: dict[int, av.AudioStream] = {}
        self._output: av.container.OutputContainer | None = None
        self._pieces: Iterator[_Piece] | None = None
        self._next: _Piece | None = None
        self._gap_told = False
        try:
            # Titles are of any encoding.
            self._input = av.open(str(Path(path).absolute()), metadata_errors="replace")
        except (av.error.FFmpegError, OSError):
            self._input = None  # the pictures came by another way; sound is not worth an error

    def __bool__(self) -> bool:
        """Whether there is any sound."""
        return bool(self._input and self._input.streams.audio and self._input.streams.video)

    def join(self, output: av.container.OutputContainer) -> None:
        """Adds the streams to a file whose header is not yet written."""
        self._output = output
        for stream in self._input.streams.audio if self else ():
            name = stream.codec_context.codec.canonical_name if stream.codec_context else "unknown"
            # FFmpeg writes PCM into MP4, which few players know there.
            raw_in_mp4 = name.startswith("pcm_") and output.format.name in ("mp4", "ipod")
            try:
                if name in output.supported_codecs and not raw_in_mp4:
                    self._tracks[stream.index] = output.add_stream_from_template(stream)
                    continue
                rate, layout = _nearest_aac(stream.codec_context)
                self._tracks[stream.index] = output.add_stream("aac", rate=rate, layout=layout)
                self.notes.append(f"note: sound re-encoded as AAC, because {output.format.name} files hold no {name}")
            except (av.error.FFmpegError, ValueError, AttributeError) as error:
                self.notes.append(f"note: sound in {name} is left out: {words(error)}")

    def until(self, seconds: float, start: float) -> None:
        """Writes what sounds before a time.

        Args:
            seconds: in the new file.
            start: where the new file begins, in seconds from the first frame of the old one.

        Raises:
            OSError: the disk refuses. Whatever else is wrong with sound is noted, and is no reason to lose pictures.
        """
        if not self._tracks:
            return
        if self._pieces is None:
            self._pieces = self._read(start)
            self._next = next(self._pieces, None)
        while self._next is not None and self._next.begins < seconds:
            self._write(self._next.track, self._next.content)
            self._next = next(self._pieces, None)

    def finish(self) -> None:
        """Writes what encoders still hold; raises as `until`."""
        for track in self._tracks.values():
            if _encodes(track) and track.codec_context.is_open:
                self._write(track, None)

    def close(self) -> None:
        self._tracks, self._output = {}, None
        if self._input is not None:
            self._input.close()

    def _read(self, start: float) -> Iterator["_Piece"]:
        """Packets to copy and frames to encode, on the clock of the new file."""
        origin = _start_of_pictures(self._input) + start
        with suppress(av.error.FFmpegError):  # what cannot be sought is read from its beginning
            if start > 2 * SEEK_MARGIN_S:
                self._input.seek(int((origin - SEEK_MARGIN_S) * av.time_base))
        streams = [self._input.streams[index] for index in self._tracks]
        for stream in self._input.streams:
            if stream not in streams:
                stream.discard = Discard.all  # the pictures would be read from the disk a second time
        clocks = {index: _RisingClock() for index in self._tracks}
        try:
            for packet in self._input.demux(streams):
                track = self._tracks[packet.stream.index]
                clocks[packet.stream.index].put_on(packet)
                pieces = _decoded(packet) if _encodes(track) else [packet]
                for piece in pieces:
                    if piece.pts is not None and (begins := _move(piece, origin)) >= self._earliest(piece):
                        yield _Piece(begins, track, piece)
        except av.error.FFmpegError as error:
            self.notes.append(f"note: the sound ends early, because it is damaged: {error.strerror}")

    def _earliest(self, piece: av.Packet | av.AudioFrame) -> float:
        """A packet that ends where the file begins prepares the decoder for the next one, and is not heard itself;
        Matroska has no time before its beginning."""
        if isinstance(piece, av.AudioFrame) or self._output.format.name == "matroska":
            return 0.0
        return -float((piece.duration or 0) * piece.time_base) - 1e-6

    def _write(self, track: av.AudioStream, content: av.Packet | av.AudioFrame | None) -> None:
        try:
            if isinstance(content, av.Packet):
                content.stream = track
                self._output.mux(content)
            else:
                self._output.mux(track.encode(content))
        except OSError:
            raise
        except (av.error.FFmpegError, ValueError) as error:  # ValueError: its rate or layout changes in mid-stream
            if not self._gap_told:
                self.notes.append(f"note: some of the sound is left out: {words(error)}")
            self._gap_told = True


@dataclass
class _Piece:
    """A packet or frame, where it goes, and the second of the new file it begins at."""

    begins: float
    track: av.AudioStream
    content: av.Packet | av.AudioFrame


class _RisingClock:
    """Lets packets of a stream whose times fall, as where recordings were joined, follow those before them."""

    def __init__(self) -> None:
        self._shift, self._latest, self._end = 0, None, 0

    def put_on(self, packet: av.Packet) -> None:
        if packet.dts is None or packet.pts is None:
            return
        if self._latest is not None and packet.dts + self._shift <= self._latest:
            self._shift = self._end - packet.dts
        packet.pts += self._shift
        packet.dts += self._shift
        self._latest, self._end = packet.dts, packet.dts + max(packet.duration or 0, 1)


def _nearest_aac(sound: av.AudioCodecContext) -> tuple[int, str]:
    """A sample rate and channel layout that FFmpeg's AAC encoder takes; raises ValueError where it takes none."""
    rates = av.codec.Codec("aac", "w").audio_rates
    rate = min((rate for rate in rates if rate >= sound.sample_rate), default=max(rates))
    for layout in (sound.layout.name, "stereo"):
        trial = av.CodecContext.create("aac", "w")
        trial.sample_rate, trial.layout, trial.format = rate, layout, "fltp"
        with suppress(av.error.FFmpegError):
            trial.open()
            return rate, layout
    raise ValueError(f"AAC has nothing like its {sound.layout.name}")


def _decoded(packet: av.Packet) -> list[av.AudioFrame]:
    try:
        return packet.decode()
    except av.error.InvalidDataError:  # one damaged packet is a moment of silence
        return []


def _move(piece: av.Packet | av.AudioFrame, origin: float) -> float:
    """Puts a packet or frame on a clock that begins at `origin`; the seconds it then begins at."""
    shift = round(origin / piece.time_base)
    piece.pts -= shift
    if isinstance(piece, av.Packet) and piece.dts is not None:
        piece.dts -= shift
    return float(piece.pts * piece.time_base)


def _encodes(track: av.AudioStream) -> bool:
    return track.codec_context is not None and track.codec_context.is_encoder


def _start_of_pictures(container: av.container.InputContainer) -> float:
    video = container.streams.video[0]
    return float(video.start_time * video.time_base) if video.start_time is not None else 0.0
