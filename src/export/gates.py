"""The gates before a model file: what is measured on a graph, and which limit it must keep."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch

from src.evaluation.metrics import Tally
from src.export.graph import INPUT, OUTPUTS, check_contract
from src.export.images import Images
from src.export.operators import TENSORRT, tensorrt_violations
from src.hardware import EXACT_INT8
from src.model_card import ClassInfo
from src.models.portable import PortableModel

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

# Share of labels that a batch must give as its frames do alone; the rest is another order of summation.
BATCH_AGREEMENT = 0.999


@dataclass(frozen=True)
class Gate:
    """A limit on a figure.

    Attributes:
        figure: its key in `Verdict.figures`.
        least: the smallest value that passes.
        key: the key of params.yaml that sets it.
    """

    figure: str
    least: float
    key: str


@dataclass
class Verdict:
    """What was found out about one variant.

    Attributes:
        figures: passed, checker, batch_sizes, tensorrt: 1 or 0; agreement, iou, checkpoint_iou, max_difference and
            mean_difference (of the confidence): 0..1; iou_change; megabytes. Those not reached are missing, and those
            of IoU where no image has a pixel of a class.
        failures: why it must not be written; empty for one that passed.
        remarks: what TensorRT would not take.
    """

    figures: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not self.failures

    def line(self, name: str) -> str:
        """One line for people about the variant whose file is called `name`."""
        if self.failures:
            return f"{name}: not written: {'; '.join(self.failures)}"
        remarks = f"; TensorRT {TENSORRT} would not take it: {self.remarks[0]}" if self.remarks else ""
        change = f", IoU {self.figures['iou_change']:+.4f}" if "iou_change" in self.figures else ""
        return f"{name}: {self.figures['agreement']:.4%} of labels equal the checkpoint's{change}{remarks}"


class Checkpoint:
    """The checkpoint's own answers to the validation images, to which those of the graphs are held."""

    def __init__(self, portable: PortableModel, classes: Sequence[ClassInfo], images: Images) -> None:
        self._classes, self._images = tuple(classes), images
        with torch.inference_mode():
            answers = [portable(torch.from_numpy(frame[None])) for frame in images.frames]
        self._labels = np.concatenate([labels.numpy() for labels, _ in answers])
        self._confidence = np.concatenate([confidence.numpy() for _, confidence in answers])
        self._iou = self._iou_of(self._labels)

    def compare(self, labels: np.ndarray, confidence: np.ndarray) -> dict[str, float]:
        """How far the answers of a graph, uint8 [N, H, W] both, are from the checkpoint's; see `Verdict.figures`."""
        difference = np.abs(self._confidence.astype(np.int16) - confidence)
        figures = {
            "agreement": float((labels == self._labels).mean()),
            "max_difference": float(difference.max()) / 255,
            "mean_difference": float(difference.mean()) / 255,
        }
        if (iou := self._iou_of(labels)) is not None and self._iou is not None:
            figures |= {"checkpoint_iou": self._iou, "iou": iou, "iou_change": iou - self._iou}
        return figures

    def _iou_of(self, labels: np.ndarray) -> float | None:
        tally = Tally(self._classes)
        for mask, label in zip(self._images.masks, labels, strict=True):
            tally.add(mask, label)
        return tally.summary().get("iou")


def judge(
    model: onnx.ModelProto,
    checkpoint: Checkpoint,
    frames: np.ndarray,
    *,
    gate: Gate,
    batch_sizes: Iterable[int],
    stand_in: onnx.ModelProto | None = None,
) -> Verdict:
    """Holds a graph to the contract and to its gates, in ONNX Runtime on the processor.

    Args:
        model: with its card inside.
        checkpoint: what its answers are compared with.
        frames: uint8 [N, H, W, 3] RGB, those that `checkpoint` answered.
        gate: the limit that it must keep.
        batch_sizes: each must run and give the labels that the frames give alone.
        stand_in: a graph of the same weights in the arithmetic of the model's precision, where the processor computes
            the model's own in another; both are held to the gate, and the figures are of the one that is further off.

    Raises:
        UserError: the graph breaks the model file's contract.
    """
    verdict = Verdict()
    verdict.figures["megabytes"] = round(model.ByteSize() / 1e6, 3)
    verdict.figures["checker"] = int(_is_valid(model, verdict.failures))
    if verdict.passed:
        check_contract(model)
        verdict.remarks = tensorrt_violations(model)
        verdict.figures["tensorrt"] = int(not verdict.remarks)
        verdict.figures["batch_sizes"] = int(_runs_in_batches(model, frames, batch_sizes, verdict.failures))
    if verdict.passed:
        graphs = [graph for graph in (model, stand_in) if graph is not None]
        found = [checkpoint.compare(*_answers(_session(graph), frames)) for graph in graphs]
        verdict.figures |= min(found, key=lambda figures: figures.get(gate.figure, 0.0))
        _keeps(gate, verdict)
    verdict.figures = {"passed": int(verdict.passed), **verdict.figures}
    return verdict


def _is_valid(model: onnx.ModelProto, failures: list[str]) -> bool:
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        failures.append(f"onnx.checker: {_first_line(error)}")
        return False
    return True


def _runs_in_batches(
    model: onnx.ModelProto, frames: np.ndarray, batch_sizes: Iterable[int], failures: list[str]
) -> bool:
    try:
        session = _session(model)
        for size in batch_sizes:
            batch = np.resize(frames, (size, *frames.shape[1:]))
            together = session.run(list(OUTPUTS), {INPUT: batch})
            alone = _answers(session, batch)
            if [one.shape for one in together] != [one.shape for one in alone]:
                failures.append(f"a batch of {size} gives {together[0].shape}")
            elif (same := float((together[0] == alone[0]).mean())) < BATCH_AGREEMENT:
                failures.append(f"a batch of {size} gives {same:.4%} of the labels that its frames give alone")
    except Exception as error:  # ONNX Runtime's exceptions have no base class in common
        failures.append(f"ONNX Runtime cannot run it: {_first_line(error)}")
    return not failures


def _keeps(gate: Gate, verdict: Verdict) -> None:
    if gate.figure not in verdict.figures:
        verdict.failures.append(f"{gate.figure} cannot be measured: no validation image has a pixel of a class")
    elif verdict.figures[gate.figure] < gate.least:
        value = verdict.figures[gate.figure]
        verdict.failures.append(f"{gate.figure} {value:.6f} is below {gate.least:.6f}, see {gate.key}")


def _session(model: onnx.ModelProto) -> "InferenceSession":
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone: it warns of folding infinities
    options.add_session_config_entry(*EXACT_INT8)
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _answers(session: "InferenceSession", frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels and confidence, uint8 [N, H, W] both, frame by frame."""
    labels, confidence = zip(*(session.run(list(OUTPUTS), {INPUT: frame[None]}) for frame in frames), strict=True)
    return np.concatenate(labels), np.concatenate(confidence)


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
