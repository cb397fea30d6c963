"""Pictures through the segmenter: found, planned so that no output meets another, and written one by one."""

import glob
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from src.errors import UserError
from src.hardware import cores
from src.runtime.interrupts import heeding_interrupts
from src.runtime.segmenter import SkySegmenter
from src.runtime.video.compositing import Compositor, mask_picture
from src.runtime.video.frame import Result
from src.runtime.video.sink import write_picture
from src.runtime.video.stats import BusyTime, Durations, RunStats, summarise
from src.runtime.video.window import Window

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp")


@dataclass(frozen=True)
class Photo:
    """A picture to read, and where its mask and its composed picture go (None: nowhere)."""

    path: Path
    mask: Path | None
    picture: Path | None


@dataclass
class PhotoRun:
    """What came of a run: the figures, and the files that could not be read."""

    stats: RunStats
    unreadable: list[Path]


@dataclass
class _Meter:
    """Wall and CPU seconds by step, and when the model was at work."""

    wall: dict[str, Durations] = field(default_factory=lambda: defaultdict(Durations))
    cpu: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    busy: BusyTime = field(default_factory=BusyTime)

    def time(self, step: str, work: Callable, *arguments: object):
        began, cpu_began = time.perf_counter(), time.process_time()
        result = work(*arguments)
        ended = time.perf_counter()
        self.wall[step].add(ended - began)
        self.cpu[step] += time.process_time() - cpu_began
        if step == "infer":
            self.busy.add(began, ended)
        return result


def plan_photos(given: str, masks: Path | None, pictures: Path | None, limit: int | None = None) -> list[Photo]:
    """Finds pictures and says where their outputs go, mirroring the tree below the folder given.

    `a/b.jpg` below that folder becomes `masks/a/b.png` and `pictures/a/b.jpg`.

    Args:
        given: a file, a folder (searched recursively), or a glob pattern.
        masks, pictures: output folders; None writes none.
        limit: take the first so many, by name.

    Raises:
        UserError: nothing found, an output folder named like a picture, two outputs of one name, or an
            output onto an input.
    """
    for folder in (masks, pictures):
        if folder and (folder.is_file() or folder.suffix.lower() in SUFFIXES):
            raise UserError(f"{folder}: photos are saved into a folder, not a file", fix="name a folder")
    root, paths = _find(given, [folder for folder in (masks, pictures) if folder])
    photos = []
    for path in paths[:limit]:
        relative = path.relative_to(root)
        photos.append(
            Photo(
                path=path,
                mask=masks / relative.with_suffix(".png") if masks else None,
                picture=pictures / relative if pictures else None,
            )
        )
    _refuse_clashes(photos)
    return photos


def segment_photos(
    photos: Sequence[Photo],
    segmenter: SkySegmenter,
    *,
    view: str = "overlay",
    opacity: float = 0.5,
    window: Window | None = None,
    on_photo: Callable[[], None] | None = None,
) -> PhotoRun:
    """Segments pictures one by one and writes what `plan_photos` planned; each file is complete or absent.

    Pictures that cannot be read are passed over and listed. EXIF rotation is applied, so a mask has the size
    of the picture as it is shown. Ctrl-C ends the run after the current file, marked `interrupted`.

    Args:
        photos: from `plan_photos`.
        view, opacity: of composed pictures, as for `Compositor`.
        window: shows each composed picture until a key is pressed.
        on_photo: called after each picture, read or not.

    Raises:
        UserError: none could be read, or an output cannot be written.
        EngineError: the engine failed.
    """
    meter, unreadable = _Meter(), []
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    compositor, frames, first_frame_s, started = None, 0, 0.0, time.perf_counter()
    with heeding_interrupts() as interrupts:
        for photo in photos:
            if interrupts.requested:
                break
            image = meter.time("decode", read_photo, photo.path)
            if image is None:
                unreadable.append(photo.path)
            else:
                labels = meter.time("infer", segmenter.predict, image).labels
                if photo.picture or window:
                    compositor = _compositor_for(image, compositor, segmenter, view, opacity)
                picture = meter.time("compose", _compose, compositor, image, labels) if compositor else None
                meter.time("sink", _write, photo, mask_picture(labels, segmenter.card), picture)
                frames += 1
                first_frame_s = first_frame_s or time.perf_counter() - started
                if window and not window.show(picture):
                    break
            if on_photo is not None:
                on_photo()
    if unreadable and not frames and not interrupts.requested:
        raise UserError(
            f"{unreadable[0]}: not a readable picture",
            f"none of {len(unreadable)} could be read" if len(unreadable) > 1 else "",
            "give JPEG, PNG, BMP, TIFF or WebP files",
        )
    stats = summarise(
        seconds=time.perf_counter() - started,
        first_frame_s=first_frame_s,
        frames=frames,
        wall=meter.wall,
        cpu=meter.cpu,
        model_busy_s=meter.busy.seconds,
        cores=cores(),
        interrupted=interrupts.requested,
    )
    return PhotoRun(stats, unreadable)


def read_photo(path: Path) -> np.ndarray | None:
    """A picture as uint8 [H, W, 3] BGR, EXIF rotation applied; None if it cannot be read."""
    try:
        # Not cv2.imread, which cannot open every path that Python can.
        return cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    except (OSError, cv2.error):
        return None


def _find(given: str, outputs: Sequence[Path]) -> tuple[Path, list[Path]]:
    path = Path(given)
    if path.is_file():
        return path.parent, [path]
    if path.is_dir():
        root, candidates = path, path.rglob("*")
    elif glob.has_magic(given):
        root = _fixed_part(path)
        candidates = root.glob(str(path.relative_to(root)))
    else:
        raise UserError(f"{given}: no such picture, folder or pattern", fix="check the path; quote a pattern")
    # Masks of an earlier run below the folder itself are no input to this one.
    inside = [folder.resolve() for folder in outputs if folder.resolve() != root.resolve()]
    paths = sorted(
        found
        for found in candidates
        if found.suffix.lower() in SUFFIXES
        and not found.name.startswith(".")
        and found.is_file()
        and not any(found.resolve().is_relative_to(folder) for folder in inside)
    )
    if not paths:
        raise UserError(f"{given}: no pictures there", fix=f"pictures end in one of: {', '.join(SUFFIXES)}")
    return root, paths


def _fixed_part(pattern: Path) -> Path:
    """The folder above the first part of a pattern that holds a wildcard."""
    wild = next(index for index, part in enumerate(pattern.parts) if glob.has_magic(part))
    return Path(*pattern.parts[:wild])


def _refuse_clashes(photos: Sequence[Photo]) -> None:
    inputs = {photo.path.resolve(): photo.path for photo in photos}
    writers: dict[Path, Path] = {}
    for photo in photos:
        for output in (photo.mask, photo.picture):
            if output is None:
                continue
            target = output.resolve()
            if target in inputs:
                raise UserError(f"{output}: would overwrite the picture {inputs[target]}", fix="save to another folder")
            if target in writers:
                raise UserError(
                    f"{writers[target]} and {photo.path}: both would write {output}",
                    fix="rename one, or give them in separate runs; and keep --save and --save-masks apart",
                )
            writers[target] = photo.path


def _compositor_for(
    image: np.ndarray, compositor: Compositor | None, segmenter: SkySegmenter, view: str, opacity: float
) -> Compositor:
    height, width = image.shape[:2]
    if compositor is not None and (compositor.height, compositor.frame_width) == (height, width):
        return compositor
    return Compositor(segmenter.card, view, width, height, opacity)


def _compose(compositor: Compositor, image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return compositor.compose(image, Result(labels), compositor.buffer())


def _write(photo: Photo, mask: np.ndarray, picture: np.ndarray | None) -> None:
    for path, image in ((photo.mask, mask), (photo.picture, picture)):
        if path is not None:
            write_picture(path, image)
