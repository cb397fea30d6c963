"""A model of this project and one of someone else on the same photographs that neither has to have learnt from.

    python -m src.benchmark.peers                              # models/release/skyseg.onnx against ../shared/peer
    python -m src.benchmark.peers --model models/onnx/fp32.onnx --json scores.json
    python -m src.benchmark.peers --keep-masks masks           # masks/<model>/<set>/*.png and masks/truth/<set>/*.png

The photographs are those of the test split of data/index.parquet and its unseen sets, as the pipeline of the released
model left them (recipe `release`). Prints a table, then one JSON line. Ours plays as in `python -m src.infer`; the
peer's probability is resized to the photograph and cut at 0.5, and it computes in float32 unless told otherwise. For
the times both take turns, in bf16 where the processor has it: one inference at batch 1, the picture already resized.
"""

import argparse
import json
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import cv2
import numpy as np

from src.benchmark.peer_scores import Entrant, held_out, measures, score_set, shown
from src.benchmark.report import format_table
from src.data.index import native_lookups, read_index
from src.data.raw import raw_folders
from src.errors import UserError, user_errors
from src.hardware import bf16_flag, cores, processor
from src.labels import ClassTable
from src.model_card import ModelCard
from src.records import write_json
from src.runtime.engines import open_engine, open_model_file
from src.runtime.engines.base import Options, first_line
from src.runtime.engines.record import sha256
from src.runtime.engines.timing import interleaved
from src.runtime.options import positive
from src.runtime.segmenter import SkySegmenter

# Ways to play our model: column -> options of `SkySegmenter`.
VARIANTS: Mapping[str, Mapping[str, Any]] = {"ours": {}, "refined": {"refine": "guided"}}
PEER = "peer"
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
EDGES = ("camvid_sky", "ade20k_sample")  # labels whose edges are good
HINTS = {"fp32": "f32", "bf16": "bf16"}
WARMUP = 5


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m src.benchmark.peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", type=Path, default=Path("models/release/skyseg.onnx"), help="(default: %(default)s)")
    parser.add_argument(
        "--peer", type=Path, default=Path("../shared/peer/u2netp_384.onnx"), help="(default: %(default)s)"
    )
    parser.add_argument("--peer-precision", choices=HINTS, default="fp32", help="for its masks (default: %(default)s)")
    parser.add_argument("--root", type=Path, default=Path(), help="project whose data/ is scored (default: this one)")
    parser.add_argument("--skip", nargs="*", default=["synthetic"], metavar="SET", help="(default: synthetic)")
    parser.add_argument(
        "--every", type=positive, default=1, metavar="N", help="each N-th photograph alone, for a quick look"
    )
    parser.add_argument("--threads", type=int, default=min(2, cores()), help="for inference (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=60, help="timed inferences each; 0: none (default: %(default)s)")
    parser.add_argument("--keep-masks", type=Path, metavar="DIR", help="write all masks there")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    options = parser.parse_args()
    with user_errors():
        compare(options)


def compare(options: argparse.Namespace) -> None:
    """Scores and prints everything; see the module's text.

    Raises:
        UserError, EngineError: a model or the index cannot be read, or no photograph is left.
    """
    with ExitStack() as opened:
        engine = opened.enter_context(open_engine(options.model, threads=options.threads))
        card = engine.info.card
        if not card.binary:
            raise UserError(f"{options.model}: has several classes; peers find sky alone")
        ours = [Entrant(name, _ours(SkySegmenter(engine, **chosen))) for name, chosen in VARIANTS.items()]
        peer = PeerModel(options.peer, HINTS[options.peer_precision], options.threads)
        rows = _scores([*ours, Entrant(PEER, peer.predict)], options)
        if options.runs:
            rows.append(_times(options, card))
        found = {
            "machine": processor(),
            "model": {"path": str(options.model), "sha256": engine.info.onnx_sha256, "name": card.name,
                      "input": f"{card.width}x{card.height}", "precision": engine.info.precision},
            "peer": {"path": str(options.peer), "sha256": sha256(options.peer), "name": options.peer.stem},
            "entrants": [*VARIANTS, PEER],
            "rows": rows,
        }  # fmt: skip
    columns = {key: key for key in ("measure", "images", *found["entrants"])}
    print(format_table([row | {name: shown(row, name) for name in found["entrants"]} for row in rows], columns))
    print(json.dumps(found), flush=True)
    if options.json:
        write_json(found, options.json)


class PeerModel:
    """A sky model of the U2-Net family: float32 [1, 3, H, W] RGB, normalised as ImageNet's -> probability [1, 1, H, W].

    Args:
        path: an .onnx file.
        hint: OpenVINO's precision, f32 or bf16.
        threads: of the processor.

    Raises:
        UserError: OpenVINO cannot read or compile it, or its input is another.
    """

    def __init__(self, path: Path, hint: str, threads: int) -> None:
        from src.runtime.engines.openvino import shared_core

        if not path.is_file():
            raise UserError(f"{path}: no such model", fix="name one: --peer FILE.onnx")
        settings = {
            "INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"
        }  # fmt: skip
        try:
            core = shared_core()
            compiled = core.compile_model(core.read_model(path), "CPU", settings)
            _, _, self.height, self.width = (int(size) for size in compiled.input(0).shape)
        except (RuntimeError, ValueError) as error:
            raise UserError(f"{path}: cannot be used as a peer", first_line(error)) from error
        self._request = compiled.create_infer_request()

    def prepare(self, image_bgr: np.ndarray) -> np.ndarray:
        """BGR uint8 [H, W, 3] of any size -> the network's input."""
        small = cv2.resize(image_bgr, (self.width, self.height), interpolation=cv2.INTER_LINEAR)
        pixels = cv2.cvtColor(small, cv2.COLOR_BGR2RGB).astype(np.float32) / 255
        return ((pixels - np.float32(IMAGENET_MEAN)) / np.float32(IMAGENET_STD)).transpose(2, 0, 1)[None].copy()

    def infer(self, pixels: np.ndarray) -> np.ndarray:
        """Probability of sky, float32 [H, W] at the network's size."""
        self._request.infer([pixels], share_inputs=True, share_outputs=True)
        return self._request.get_output_tensor(0).data[0, 0]

    def predict(self, image_bgr: np.ndarray) -> np.ndarray:
        """BGR uint8 [H, W, 3] -> labels uint8 [H, W]: its probability, enlarged bilinearly, is at least 0.5."""
        chance = cv2.resize(self.infer(self.prepare(image_bgr)), image_bgr.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return (chance >= 0.5).astype(np.uint8)


def _ours(segmenter: SkySegmenter) -> Any:
    return lambda image: segmenter.predict(image).labels


def _scores(entrants: list[Entrant], options: argparse.Namespace) -> list[dict[str, Any]]:
    from tqdm import tqdm

    index = options.root / "data/index.parquet"
    if not index.is_file():
        raise UserError(
            f"{index}: no photographs to score", fix="python -m src.recipes apply release && dvc repro filter-sky"
        )
    rows = {
        source: found[:: options.every]
        for source, found in held_out(read_index(index, kept_only=False), options.skip).items()
    }
    if not rows:
        raise UserError(f"{index}: no test or unseen photographs", fix="leave fewer out: --skip")
    lookups = native_lookups(raw_folders(options.root / "data/raw"), ClassTable.from_labels({"sky": ["sky"]}))
    with tqdm(total=sum(map(len, rows.values())), unit="image", leave=False) as bar:
        scores = {
            source: score_set(
                found, lookups[source], entrants, root=options.root, masks=options.keep_masks, on_image=bar.update
            )
            for source, found in rows.items()
        }
    return measures(scores, rows, EDGES)


def _times(options: argparse.Namespace, card: ModelCard) -> dict[str, Any]:
    """The table's row of latencies: medians of interleaved inferences of batch 1, in OpenVINO."""
    fastest = "bf16" if bf16_flag() else "fp32"
    own = fastest if card.precision == "fp32" else card.precision
    picture = np.random.default_rng(1).integers(0, 256, (card.height, card.width, 3), np.uint8)
    peer = PeerModel(options.peer, HINTS[fastest], options.threads)
    pixels = peer.prepare(picture)
    if options.model.is_dir():
        opened = open_engine(options.model, threads=options.threads)
    else:
        opened = open_model_file(options.model, card, "openvino", own, Options(threads=options.threads))
    with opened as engine:
        ran = f"{engine.info.backend} {engine.info.precision}"
        calls = [lambda _: engine.infer(picture[None]), lambda _: peer.infer(pixels)]
        seconds = interleaved(calls, [pixels], runs=options.runs, warmup=WARMUP)
    ours, theirs = (median(taken) * 1000 for taken in seconds)
    return {
        "measure": f"one inference, {ran} (peer: openvino {fastest}), {options.threads} threads",
        "images": None,
        "unit": "ms",
        **dict.fromkeys(VARIANTS),  # what a variant adds comes after the inference
        next(iter(VARIANTS)): ours,
        PEER: theirs,
    }


if __name__ == "__main__":
    main()
