"""export-onnx: models/checkpoint.ckpt -> models/onnx/{fp32,fp16,int8}.onnx, each if it passes its gates."""

from pathlib import Path

from src import params
from src.errors import user_errors
from src.export import Plan, export, validation_images, with_history
from src.models.zoo import load_checkpoint
from src.records import git_revision, lock_md5s, read_metrics, write_metrics

FOLDER = Path("models/onnx")


def main() -> None:
    options = params.load().export
    segmenter, spec = load_checkpoint(Path("models/checkpoint.ckpt"))
    card = with_history(
        spec.card(options.threshold),
        git_revision=git_revision(Path.cwd()),
        dvc_lock=lock_md5s(Path("dvc.lock")),
        metrics=read_metrics().get("evaluate", {}).get("test", {}),
    )
    images = validation_images(Path("data/prepared/val"), options.frames)
    plan = Plan(
        threshold=options.threshold,
        variants=tuple(options.variants),
        batch_sizes=tuple(options.batch_sizes),
        min_agreement_fp32=options.min_agreement_fp32,
        min_agreement_fp16=options.min_agreement_fp16,
        max_iou_loss_int8=options.max_iou_loss_int8,
        calibration=options.calibration,
    )
    verdicts = export(segmenter, card, images, FOLDER, plan)
    write_metrics("export_onnx", {precision: verdict.figures for precision, verdict in verdicts.items()})
    for precision, verdict in verdicts.items():
        print(verdict.line(str(FOLDER / f"{precision}.onnx")), flush=True)


if __name__ == "__main__":
    with user_errors():
        main()
