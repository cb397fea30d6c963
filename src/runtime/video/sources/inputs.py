"""What --video names: one video, or all videos of a folder or pattern."""

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from src.errors import UserError
from src.files import apart, split_pattern, walk
from src.runtime.video.sources.urls import is_url

SUFFIXES = (
    ".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".divx", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts",
    ".wmv", ".flv", ".ogv", ".3gp", ".mjpeg", ".h264", ".hevc", ".gif",
)  # fmt: skip
SAVED_SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv")


@dataclass(frozen=True)
class VideoInput:
    """One thing to play.

    Attributes:
        given: what `open_source` takes.
        below: its path below the folder or pattern's fixed part; None where a single video was named.
    """

    given: str
    below: Path | None = None


def find_videos(
    given: str, outputs: Sequence[Path] = (), unreadable: list[tuple[Path, str]] | None = None
) -> list[VideoInput]:
    """Finds what to play, in the order of names; a folder is searched with its subfolders, linked ones too.

    Args:
        given: a file, a folder, a glob pattern, a camera's number or an address.
        outputs: folders that are written; videos in them are no input, unless one is the searched folder itself.
        unreadable: gets (folder, why) of each that may not be looked into.

    Raises:
        UserError: a folder or pattern without videos.
    """
    path, unreadable = Path(given), [] if unreadable is None else unreadable
    if is_url(given) or path.is_file() or not (path.is_dir() or glob.has_magic(given)):
        return [VideoInput(given)]
    root, pattern = (path, None) if path.is_dir() else split_pattern(path)
    written = {folder.resolve() for folder in outputs} - {root.resolve()}
    found = sorted(
        video
        for video in (walk(root, written, unreadable) if pattern is None else root.glob(pattern))
        if video.suffix.lower() in SUFFIXES
        and not video.name.startswith(".")
        and video.is_file()
        and written.isdisjoint(video.resolve().parents)
    )
    if not found and unreadable:
        folder, why = unreadable[0]
        raise UserError(f"{folder}: cannot be looked into", why, "chmod +rx the folder")
    if not found:
        known = ", ".join(SUFFIXES)
        raise UserError(f"{given}: no videos there", fix=f"for pictures use --images; videos end in one of: {known}")
    return [VideoInput(str(video), video.relative_to(root)) for video in found]


def mirrored(videos: Sequence[VideoInput], suffix: str | None = None) -> list[Path]:
    """A name for each video's output, below a folder of outputs, no two alike.

    Args:
        suffix: of the outputs; empty for folders; None keeps that of a video where videos of its kind are
            written, and is .mp4 elsewhere.
    """
    suffixes = [_saved_suffix(video.below) if suffix is None else suffix for video in videos]
    short = [video.below.with_suffix(own) for video, own in zip(videos, suffixes, strict=True)]
    # Two that differ in their suffix alone keep it in their names.
    whole = [video.below.with_name(video.below.name + own) for video, own in zip(videos, suffixes, strict=True)]
    return apart(short, whole)


def _saved_suffix(video: Path) -> str:
    return video.suffix if video.suffix.lower() in SAVED_SUFFIXES else ".mp4"
