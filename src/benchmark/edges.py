"""What refining edges and smoothing over time bring and cost, measured on labelled photographs and sequences.

    python -m src.benchmark.edges --engine models/onnx/fp32.onnx --data ../shared/data --video ../shared/video

Prints a table, and one JSON line last: by set, IoU and boundary F1 without and with `--refine guided`; by sequence,
flicker and IoU without and with `--smooth`; and the CPU milliseconds of both on one thread.
"""

import argparse
import csv
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import zip_longest
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from src.data.images import read_image, read_mask
from src.errors import UserError, user_errors
from src.evaluation.metrics import Tally
from src.evaluation.temporal import FlickerTally
from src.labels import VOID
from src.runtime.engines import open_engine
from src.runtime.engines.base import Engine
from src.runtime.frames import prepare, threshold_confidence, upscale_confidence
from src.runtime.refinement import GuidedRefiner
from src.runtime.smoothing import TemporalSmoother
from src.runtime.video.source import VideoSource

Labelled = tuple[np.ndarray, np.ndarray]  # a frame, BGR uint8 [H, W, 3], and its target, uint8 [H, W] of 0, 1 and VOID
REPEATS = 60
TIMED_FRAME = (1280, 720)
REFERENCE_SIZE = (352, 256)  # what the reference resizes the timed frame to


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m src.benchmark.edges",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--engine", type=Path, required=True, help="an engine folder or an .onnx model file")
    parser.add_argument("--data", type=Path, required=True, help="the folder with camvid and ade20k_sample")
    parser.add_argument("--video", type=Path, required=True, help="the folder with sea_sky_seq.mp4 and its masks")
    parser.add_argument("--threads", type=int, help="for inference (default: every core)")
    options = parser.parse_args(arguments)
    with user_errors():
        report = measure(options.engine, options.data, options.video, threads=options.threads)
        for line in table(report):
            print(line)
        print(json.dumps(report))


def measure(engine: Path, data: Path, video: Path, *, threads: int | None = None) -> dict[str, Any]:
    """{"refine": rows by set, "smooth": rows by sequence, "cost": rows by step}, as `table` shows them.

    Raises:
        UserError: a set is missing or cannot be read, or the model has more than two classes.
        EngineError: as `open_engine`.
    """
    opencv_threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        with open_engine(engine, threads=threads) as opened:
            if not opened.info.card.binary:
                raise UserError(f"{engine}: has more than two classes", "edges are refined for a binary model")
            camvid, sea_sky = data / "camvid", video / "sea_sky_seq.mp4"
            return {
                "refine": [
                    refined("ade20k_sample", photographs(data / "ade20k_sample"), opened),
                    refined("camvid test", photographs(camvid, "test"), opened),
                ],
                "smooth": [
                    smoothed("sea_sky_seq", sequence(sea_sky), opened),
                    smoothed("camvid val", photographs(camvid, "val"), opened),
                ],
                "cost": cost(opened.info.card.width, opened.info.card.height),
            }
    finally:
        cv2.setNumThreads(opencv_threads)


def photographs(folder: Path, split: str | None = None) -> Iterator[Labelled]:
    """The pairs of images/ and masks/ by name; of one split of splits.csv where `split` is given."""
    names = sorted(path.stem for path in (folder / "masks").glob("*.png"))
    if split:
        with _opened(folder / "splits.csv") as lines:
            chosen = {row["name"] for row in csv.DictReader(lines) if row["split"] == split}
        names = [name for name in names if name in chosen]
    if not names:
        raise UserError(f"{folder}: no masks/*.png there", fix="name the folder that holds it: --data ../shared/data")
    for name in names:
        yield read_image(folder / "images" / f"{name}.jpg"), _target(folder / "masks" / f"{name}.png")


def sequence(clip: Path) -> Iterator[Labelled]:
    """The frames of a clip and of its masks in <name>_masks/, which are sorted by name."""
    folder = clip.with_name(f"{clip.stem}_masks")
    masks = sorted(folder.glob("*.png"))
    with VideoSource(clip) as source:
        for number, (frame, mask) in enumerate(zip_longest(source, masks)):
            if frame is None or mask is None:
                raise UserError(
                    f"{folder}: {len(masks)} masks, which is not one per frame of {clip}",
                    f"the {'clip' if frame is None else 'masks'} end after {number}",
                    "put a mask for every frame there",
                )
            yield frame.image, _target(mask)


def refined(name: str, pairs: Iterable[Labelled], engine: Engine) -> dict[str, Any]:
    """A row: IoU and boundary F1 of a set without and with the refiner."""
    card = engine.info.card
    without, with_it = Tally(card.classes), Tally(card.classes)
    for frame, target in pairs:
        height, width = target.shape
        confidence = engine.infer(prepare(frame, card)[None]).confidence[0]
        without.add(target, threshold_confidence(upscale_confidence(confidence, width, height), card))
        with_it.add(target, threshold_confidence(GuidedRefiner(width, height)(frame, confidence), card))
    before, after = without.summary(), with_it.summary()
    figures = {
        f"{key}_{when}": found.get(key) for key in ("iou", "boundary_f1") for when, found in _both(before, after)
    }
    return {"set": name, "images": before["images"], **figures}


def smoothed(name: str, pairs: Iterable[Labelled], engine: Engine) -> dict[str, Any]:
    """A row: flicker and IoU of a sequence without and with the smoother."""
    card, smoother = engine.info.card, TemporalSmoother()
    tallies, flickers = (Tally(card.classes), Tally(card.classes)), (FlickerTally(), FlickerTally())
    for frame, target in pairs:
        small = prepare(frame, card)
        confidence = engine.infer(small[None]).confidence[0]
        for answer, tally, flicker in zip((confidence, smoother(small, confidence)), tallies, flickers, strict=True):
            labels = threshold_confidence(upscale_confidence(answer, target.shape[1], target.shape[0]), card)
            tally.add(target, labels)
            flicker.add(target, labels)
    before, after = (tally.summary() | flicker.summary() for tally, flicker in zip(tallies, flickers, strict=True))
    figures = {f"{key}_{when}": found.get(key) for key in ("flicker", "iou") for when, found in _both(before, after)}
    return {"sequence": name, "frames": before["images"], **figures}


def cost(width: int, height: int) -> list[dict[str, Any]]:
    """A row per step: median CPU milliseconds on one thread, and as a multiple of the resizing of the same frame,
    with which it takes turns: the multiple holds on a busy machine, too."""
    rng = np.random.default_rng(0)
    frame = cv2.resize(rng.integers(0, 256, (45, 80, 3)).astype(np.uint8), TIMED_FRAME)
    confidence = cv2.resize(rng.integers(0, 256, (12, 16)).astype(np.uint8), (width, height))
    smalls = [cv2.resize(np.roll(frame, shift, axis=1), (width, height)) for shift in (0, 8)]
    refiner, smoother, out = GuidedRefiner(*TIMED_FRAME), TemporalSmoother(), np.empty(TIMED_FRAME[::-1], np.uint8)
    steps: dict[str, Callable[[int], Any]] = {
        "reference: resize 1280x720 to 352x256": lambda _: cv2.resize(frame, REFERENCE_SIZE),
        f"refine {width}x{height} to 1280x720": lambda _: refiner(frame, confidence, out),
        f"smooth {width}x{height}": lambda i: smoother(smalls[i % 2], confidence),
    }
    seconds: dict[str, list[float]] = {step: [] for step in steps}
    for i in range(REPEATS):
        for step, work in steps.items():
            began = time.thread_time()
            work(i)
            seconds[step].append(time.thread_time() - began)
    reference, *_ = (median(taken) for taken in seconds.values())
    return [
        {"step": step, "cpu_ms": 1e3 * median(taken), "over_reference": median(taken) / reference}
        for step, taken in seconds.items()
    ]


def table(report: dict[str, Any]) -> Iterator[str]:
    """The report as lines for people."""
    yield f"{'refine':<16}{'images':>8}{'IoU':>9}{'refined':>9}{'F1':>9}{'refined':>9}"
    for row in report["refine"]:
        figures = _cells(row, "iou_without", "iou_with", "boundary_f1_without", "boundary_f1_with")
        yield f"{row['set']:<16}{row['images']:>8}{figures}"
    yield f"{'smooth':<16}{'frames':>8}{'flicker':>9}{'smooth':>9}{'IoU':>9}{'smooth':>9}"
    for row in report["smooth"]:
        figures = _cells(row, "flicker_without", "flicker_with", "iou_without", "iou_with")
        yield f"{row['sequence']:<16}{row['frames']:>8}{figures}"
    yield f"{'cost, one thread':<42}{'CPU ms':>9}{'/ reference':>13}"
    for row in report["cost"]:
        yield f"{row['step']:<42}{row['cpu_ms']:>9.2f}{row['over_reference']:>13.1f}"


def _cells(row: dict[str, Any], *keys: str) -> str:
    return "".join(f"{'-' if row[key] is None else format(row[key], '.4f'):>9}" for key in keys)


def _both(before: dict, after: dict) -> tuple[tuple[str, dict], tuple[str, dict]]:
    return ("without", before), ("with", after)


def _target(path: Path) -> np.ndarray:
    """0 and 1 where the mask is 0 and 255, VOID elsewhere."""
    table = np.full(256, VOID, np.uint8)
    table[[0, 255]] = 0, 1
    return cv2.LUT(read_mask(path), table)


def _opened(path: Path):
    try:
        return path.open(encoding="utf-8", newline="")
    except OSError as error:
        raise UserError(f"{path}: cannot be read", str(error), "name the folder that holds it: --data") from error


if __name__ == "__main__":
    main()
