"""The outputs that a command's options ask for: refused before the model is loaded, opened when it plays."""

import argparse
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from src.errors import UserError
from src.files import check_file_writable, check_writable

if TYPE_CHECKING:
    from src.model_card import ModelCard
    from src.runtime.tables import Table
    from src.runtime.video.compositing import Compositor
    from src.runtime.video.sink import Sink
    from src.runtime.video.source import VideoSource

FOLDERS = ("save_masks", "alpha")
FILES = ("csv", "stats_json")


@dataclass
class Outputs:
    """What is open for one video.

    Attributes:
        sinks: for the pipeline.
        notes: complete once the outputs are closed; a line each.
    """

    sinks: list["Sink"]
    notes: list[str] = field(default_factory=list)


def refuse_video_outputs(options: argparse.Namespace, inputs: Collection[Path] = ()) -> None:
    """Refuses what could not be written for --video; makes nothing.

    Args:
        options: of one video: `save` is a file.
        inputs: real paths of the files that are read, which no output may overwrite.

    Raises:
        UserError: an unknown kind of video, an output onto an input or another output, or a place that
            cannot be written.
    """
    from src.runtime.video.writer import refuse_unless_video

    if options.save:
        refuse_unless_video(options.save, alpha=is_transparent(options))
        check_writable(options.save.parent)
    refuse_places(options, inputs)


def refuse_places(options: argparse.Namespace, inputs: Collection[Path] = ()) -> None:
    """Refuses files and folders that cannot be written, or would be written twice or over an input; makes nothing.

    Raises:
        UserError: naming the options.
    """
    files = {_option(name): path for name in FILES if (path := getattr(options, name))}
    for option, path in files.items():
        if path.is_dir():
            raise UserError(f"{path}: a folder of this name is in the way", fix=f"name a file after {option}")
        check_file_writable(path)
    for name in FOLDERS:
        if folder := getattr(options, name):
            check_writable(folder)
    given = [(_option(name), path) for name in ("save", *FOLDERS, *FILES) if (path := getattr(options, name))]
    for (one, path), (other, same) in combinations(given, 2):
        if path.resolve() == same.resolve():
            raise UserError(f"{one} and {other}: both would write {path}", fix="give each a place of its own")
    for option, path in given:
        if path.resolve() in inputs:
            raise UserError(f"{path}: is the input itself", fix="save to another file")
        if options.sky is not None and path.resolve() == options.sky.resolve():
            raise UserError(f"{option} {path}: is the new sky of --sky", fix="save to another file")


def is_transparent(options: argparse.Namespace) -> bool:
    """Whether composed pictures have an alpha channel."""
    return options.view == "cut-out" and options.background in (None, "transparent")


@contextmanager
def open_outputs(
    options: argparse.Namespace,
    source: "VideoSource",
    card: "ModelCard",
    compositor: "Compositor | None" = None,
) -> Iterator[Outputs]:
    """Opens the outputs of one video; as the block ends they are complete, or after an error absent.

    Args:
        options: of this video, as `refuse_video_outputs` let them pass.
        source: open; its frames will come.
        card: of the model.
        compositor: makes the pictures of --save.
    """
    from src.runtime.video.sink import FrameFigures, MaskFolder, MatteFolder, VideoFile, frame_columns
    from src.runtime.video.writer import VideoWriter

    outputs = Outputs([])
    writer = None
    with ExitStack() as stack:
        if options.save_masks:
            outputs.sinks.append(MaskFolder(options.save_masks, card))
        if options.alpha:
            outputs.sinks.append(MatteFolder(options.alpha))
        if table := open_table(options, frame_columns(card), stack):
            outputs.sinks.append(FrameFigures(table, card))
        if options.save:
            writer = VideoWriter(
                options.save,
                compositor.width,
                compositor.height,
                source.fps,
                alpha=is_transparent(options),
                sound=_sound(options, outputs),
            )
            outputs.sinks.append(VideoFile(stack.enter_context(writer)))
        yield outputs
    outputs.notes += saved_notes(options) + (writer.notes if writer else [])


def open_table(options: argparse.Namespace, columns: Sequence[str], stack: ExitStack) -> "Table | None":
    """The file of --csv; `stack` closes it."""
    if not options.csv:
        return None
    from src.runtime.tables import Table

    return stack.enter_context(Table(options.csv, columns))


def saved_notes(options: argparse.Namespace) -> list[str]:
    """A line for each output, where it is."""
    places = (options.save, options.save_masks, options.alpha, options.csv)
    return [f"saved: {path}" for path in places if path and path.exists()]


def _sound(options: argparse.Namespace, outputs: Outputs):
    """The sound of a file; cameras and streams are taken without."""
    from src.runtime.video.sound import SoundTracks

    if not Path(options.video).is_file():
        return None
    sound = SoundTracks(options.video)
    if sound and (options.loop or 1) > 1:
        outputs.notes.append("note: saved without sound, because of --loop")
        sound.close()
        return None
    return sound


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
