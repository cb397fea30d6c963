"""The variants of a model that this machine can run, measured, and the fastest of those that agree."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from textwrap import shorten
from typing import Any

import numpy as np

from src.errors import EngineError
from src.model_card import ModelCard, read_card
from src.runtime.engines import GRAPH_OF, PRECISIONS, backend_module, installed, open_model_file, refuse_unless_offered
from src.runtime.engines.base import Engine, Masks, Options
from src.runtime.engines.probe import Agreement, agreement
from src.runtime.engines.timing import interleaved

RUNS, WARMUP = 20, 3  # of batch 1, per variant
TIE = 0.03  # medians this near are equal here; what agrees best then wins


@dataclass(frozen=True)
class Limits:
    """Smallest share (0..1) of pixels with the reference's label, of int8 and of every other precision."""

    agreement: float = 0.99
    int8_agreement: float = 0.98

    def of(self, precision: str) -> float:
        return self.int8_agreement if precision == "int8" else self.agreement


@dataclass(frozen=True)
class Variant:
    """A backend in a precision. Either measured, or left out with the reason.

    Attributes:
        ms: median of batch 1; 0 where left out.
        agreement: with the reference; None where left out.
        limit: for it.
        left_out: why it was not measured; "" where it was.
        engine: open; None where left out.
    """

    backend: str
    precision: str
    left_out: str = ""
    engine: Engine | None = None
    ms: float = 0.0
    agreement: Agreement | None = None
    limit: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.backend} {self.precision}"

    @property
    def share(self) -> float:
        """Share (0..1) of pixels with the reference's label."""
        return self.agreement.label_agreement if self.agreement else 0.0

    @property
    def fits(self) -> bool:
        return self.agreement is not None and self.share >= self.limit

    @property
    def short(self) -> bool:
        return self.agreement is not None and self.share < self.limit

    def to_dict(self) -> dict[str, Any]:
        """As `EngineRecord.candidates` holds it."""
        named = {"backend": self.backend, "precision": self.precision}
        if self.agreement is None:
            return named | {"left_out": self.left_out}
        return named | {"ms": round(self.ms, 4), "agreement": self.share, "limit": self.limit}


@dataclass(frozen=True)
class Models:
    """The model files of one model, by their graphs' precision, and the reference among them."""

    files: Mapping[str, Path]
    cards: Mapping[str, ModelCard]

    @property
    def reference(self) -> str:
        """The precision of the reference: fp32, or of the only file."""
        return "fp32" if "fp32" in self.files else next(iter(self.files))

    @classmethod
    def find(cls, path: Path) -> "Models":
        """A model file, or a folder of them.

        Raises:
            EngineError: none there, one is not a model file of this project, or they are of different models.
        """
        # Hidden ones are what an export that was killed has left.
        found = sorted(path.glob("[!.]*.onnx")) if path.is_dir() else [path]
        if not found:
            raise EngineError(f"{path}: holds no .onnx model file", fix="export them: dvc repro export-onnx")
        files: dict[str, Path] = {}
        cards: dict[str, ModelCard] = {}
        for file in found:
            card = read_card(file)
            known = next(iter(cards.values()), card)
            if replace(card, precision=known.precision) != known or card.precision in cards:
                raise EngineError(
                    f"{file}: does not belong with {found[0]}",
                    "they are of different models or exports, or of the same precision",
                    "export them together: dvc repro export-onnx",
                )
            files[card.precision], cards[card.precision] = file, card
        if len(files) > 1 and "fp32" not in files:
            raise EngineError(f"{path}: has no fp32 model file, the reference", fix="dvc repro export-onnx")
        return cls(files, cards)

    def open(self, backend: str, precision: str, options: Options) -> Engine:
        """The engine of a variant; raises EngineError if there is no graph for it, or as `open_model_file`."""
        refuse_unless_offered(backend, precision)
        graph = GRAPH_OF[precision]
        if graph not in self.files:
            raise EngineError(f"no {graph} model file for {precision}", fix="export it: dvc repro export-onnx")
        return open_model_file(self.files[graph], self.cards[graph], backend, precision, options)

    def reference_masks(self, frames: np.ndarray, threads: int) -> list[Masks]:
        """ONNX Runtime's answers on the processor to uint8 [N, H, W, 3]: what every variant is held to."""
        with self.open("onnxruntime", self.reference, Options(threads=threads, gpu=False)) as reference:
            return [reference.infer(frame[None]) for frame in frames]


@contextmanager
def measured_variants(
    models: Models,
    frames: np.ndarray,
    reference: Sequence[Masks],
    *,
    backend: str,
    precision: str,
    limits: Limits,
    options: Options,
) -> Iterator[list[Variant]]:
    """Every variant asked for, measured (median of interleaved calls of batch 1) or left out with the reason;
    their engines stay open within the context.

    Args:
        models: of one model.
        frames: uint8 [N, H, W, 3] RGB, real ones.
        reference: `models.reference_masks(frames)`.
        backend, precision: auto, or one; see `PRECISIONS`. With both given, nothing is left out.

    Raises:
        EngineError: the backend is not installed; or both are given and that variant cannot be opened.
    """
    named = "auto" not in (backend, precision)
    engines: dict[tuple[str, str], Engine] = {}
    left_out: list[Variant] = []
    with ExitStack() as opened:
        for pair in _pairs(backend, precision):
            why = ""
            try:
                if not (why := "" if named else obstacle(models, *pair)):
                    engine = opened.enter_context(models.open(*pair, options))
                    engine.infer(frames[:1])  # some fail no sooner
                    engines[pair] = engine
            except EngineError as error:
                if named:
                    raise
                why = ": ".join(filter(None, (error.what, error.why)))
            if why:
                left_out.append(Variant(*pair, left_out=why))
        calls = [engine.infer for engine in engines.values()]
        seconds = interleaved(calls, [frame[None] for frame in frames], runs=RUNS, warmup=WARMUP)
        measured = [
            Variant(
                *pair,
                engine=engine,
                ms=median(taken) * 1000,
                agreement=agreement(engine, frames, reference),
                limit=limits.of(pair[1]),
            )
            for (pair, engine), taken in zip(engines.items(), seconds, strict=True)
        ]
        yield measured + left_out


def fastest(variants: Sequence[Variant], models: Path) -> tuple[Variant, str]:
    """The fastest variant within its limit, and the reason in one line.

    Raises:
        EngineError: none is within its limit.
    """
    fit = sorted((v for v in variants if v.fits), key=lambda v: v.ms)
    short = [f"{v.name} agrees on {v.share:.2%}, the limit is {v.limit:.2%}" for v in variants if v.short]
    if not fit:
        raise EngineError(
            f"{models}: no engine agrees with the model file",
            "; ".join(short + _left_out(variants)) or "no backend is installed",
            "in params.yaml set engine.precision: fp32, or lower engine.min_agreement (--precision, --min-agreement)"
            if short
            else "choose another backend or precision, or auto",
        )
    tied = [v for v in fit if v.ms <= fit[0].ms * (1 + TIE)]
    winner = max(tied, key=lambda v: v.share)
    others = [f"{v.name} {v.ms:.2f}" for v in fit if v is not winner]
    how = "fastest within the limit" if winner is fit[0] else f"as fast as {fit[0].name} and agrees better"
    reason = f"{how}: {winner.ms:.2f} ms" + (f" ({', '.join(others)})" if others else "")
    return winner, "; ".join([reason, *short, *_left_out(variants)])


def _pairs(backend: str, precision: str) -> list[tuple[str, str]]:
    """The (backend, precision) to look at."""
    if backend != "auto":
        refuse_unless_offered(backend, "fp32" if precision == "auto" else precision)
    backends = PRECISIONS if backend == "auto" else (backend,)
    return [(b, p) for b in backends for p in PRECISIONS[b] if precision in ("auto", p)]


def obstacle(models: Models, backend: str, precision: str) -> str:
    """Why a variant is not worth opening here, or ""."""
    if not installed(backend):
        return "not installed"
    if reason := backend_module(backend).unavailable(precision):
        return reason
    return "" if GRAPH_OF[precision] in models.files else f"no {GRAPH_OF[precision]} model file"


def _left_out(variants: Sequence[Variant]) -> list[str]:
    """Variants left out in words, those of one backend and reason together."""
    together: dict[tuple[str, str], list[str]] = {}
    for v in variants:
        if v.left_out:
            together.setdefault((v.backend, v.left_out), []).append(v.precision)
    return [
        f"{backend} {'/'.join(kinds)} left out: {shorten(reason, 100, placeholder='...')}"
        for (backend, reason), kinds in together.items()
    ]
