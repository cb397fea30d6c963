"""From a checkpoint to the model files of each precision."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import onnx

from src.errors import UserError
from src.export.fp16 import rounded_to_half, to_half
from src.export.gates import Checkpoint, Gate, Verdict, judge
from src.export.graph import to_onnx, with_card
from src.export.images import Images
from src.export.int8 import to_int8
from src.files import write_whole
from src.model_card import ModelCard
from src.models.portable import PortableModel
from src.models.zoo import Segmenter

PRECISIONS = ("fp32", "fp16", "int8")


@dataclass(frozen=True)
class Plan:
    """What to export, and within which limits.

    Attributes:
        threshold: probability from which a pixel is of class 1.
        variants: of `PRECISIONS`; fp32, of which the others are made, is always there.
        batch_sizes: each must run.
        min_agreement_fp32, min_agreement_fp16: least share of pixels with the checkpoint's label.
        max_iou_loss_int8: how far below the checkpoint's IoU.
        calibration: minmax, percentile or entropy; see `src.export.int8.to_int8`.
    """

    threshold: float = 0.5
    variants: tuple[str, ...] = PRECISIONS
    batch_sizes: tuple[int, ...] = (1, 2)
    min_agreement_fp32: float = 0.9999
    min_agreement_fp16: float = 0.999
    max_iou_loss_int8: float = 0.005
    calibration: str = "minmax"

    def gate(self, precision: str) -> Gate:
        """The limit that a variant of this precision must keep."""
        if precision == "int8":
            return Gate("iou_change", -self.max_iou_loss_int8, "export.max_iou_loss_int8")
        key = f"min_agreement_{precision}"
        return Gate("agreement", getattr(self, key), f"export.{key}")


def export(segmenter: Segmenter, card: ModelCard, images: Images, folder: Path, plan: Plan) -> dict[str, Verdict]:
    """Writes `<folder>/<precision>.onnx` for each variant that passes, and removes those of an earlier export.

    Args:
        segmenter: the trained network, in evaluation mode.
        card: goes into the files, each with its precision.
        images: to judge and calibrate on.
        folder: of the model files.
        plan: what to export.

    Returns:
        What was found, by precision. Only fp16 and int8 may have failed; they are not written then.

    Raises:
        UserError: the network cannot be exported, fp32 does not pass, the images are not of the model's size, or the
            disk refuses. Nothing is left in `folder` then.
    """
    if images.frames.shape[1:3] != (card.height, card.width):
        raise UserError(
            f"export: the validation images are {images.frames.shape[1:3]}, the checkpoint was trained for "
            f"{(card.height, card.width)} (height, width)",
            fix="run both anew for the same size: dvc repro",
        )
    for precision in PRECISIONS:
        (folder / f"{precision}.onnx").unlink(missing_ok=True)
    portable = PortableModel(segmenter, plan.threshold).eval()
    checkpoint = Checkpoint(portable, card.classes, images)
    fp32 = to_onnx(portable, replace(card, precision="fp32"))
    models: dict[str, onnx.ModelProto] = {}
    verdicts: dict[str, Verdict] = {}
    for precision in plan.variants:
        model, verdicts[precision] = _judged(precision, fp32, card, images, checkpoint, plan)
        if verdicts[precision].passed:
            models[precision] = model
        elif precision == "fp32":
            raise UserError(
                f"export: {verdicts['fp32'].line('fp32.onnx')}",
                fix="if that is good enough, lower the limit; else report it with your model.name and encoder",
            )
    _write(folder, models)
    return verdicts


def _judged(
    precision: str, fp32: onnx.ModelProto, card: ModelCard, images: Images, checkpoint: Checkpoint, plan: Plan
) -> tuple[onnx.ModelProto | None, Verdict]:
    make: Mapping[str, Callable[[], onnx.ModelProto]] = {
        "fp32": lambda: fp32,
        "fp16": lambda: to_half(fp32),
        "int8": lambda: to_int8(fp32, images.calibration, plan.calibration),
    }
    try:
        model = with_card(make[precision](), replace(card, precision=precision))
    except OSError as error:
        raise UserError("export: temporary files cannot be written", str(error), "free space in $TMPDIR") from error
    except Exception as error:  # what a quantizer says of a net that it does not know
        return None, Verdict({"passed": 0}, [f"cannot be made {precision}: {type(error).__name__}: {error}"])
    verdict = judge(
        model,
        checkpoint,
        images.frames,
        gate=plan.gate(precision),
        batch_sizes=plan.batch_sizes,
        stand_in=rounded_to_half(fp32) if precision == "fp16" else None,
    )
    return model, verdict


def _write(folder: Path, models: Mapping[str, onnx.ModelProto]) -> None:
    """All files or none."""
    paths = {folder / f"{precision}.onnx": model for precision, model in models.items()}
    try:
        for path, model in paths.items():
            write_whole(path, model.SerializeToString())
    except UserError:
        for path in paths:
            path.unlink(missing_ok=True)
        raise


def with_history(card: ModelCard, *, git_revision: str, dvc_lock: dict[str, str], metrics: dict) -> ModelCard:
    """The card with where the model came from: the commit, the pipeline's outputs by md5, its test figures."""
    flat = {name: float(value) for name, value in metrics.items() if isinstance(value, int | float)}
    return replace(card, git_revision=git_revision, dvc_lock=dvc_lock, metrics=flat)
