"""export-onnx: models/checkpoint.ckpt -> models/onnx/fp32.onnx, if its masks agree with the checkpoint's."""

from pathlib import Path

from src import params
from src.data.shards import ShardReader
from src.errors import user_errors
from src.export import export, with_history
from src.models.zoo import load_checkpoint
from src.records import git_revision, lock_md5s, read_metrics, write_metrics


def main() -> None:
    options = params.load().export
    segmenter, spec = load_checkpoint(Path("models/checkpoint.ckpt"))
    card = with_history(
        spec.card(options.threshold),
        git_revision=git_revision(Path.cwd()),
        dvc_lock=lock_md5s(Path("dvc.lock")),
        metrics=read_metrics()["evaluate"].get("test", {}),
    )
    frames, masks = ShardReader(Path("data/prepared/val")).spread(options.frames)
    figures = export(
        segmenter,
        card,
        frames,
        masks,
        Path("models/onnx/fp32.onnx"),
        threshold=options.threshold,
        min_agreement=options.min_agreement,
    )
    write_metrics("export_onnx", {"fp32": figures})
    print(f"models/onnx/fp32.onnx: {figures['agreement']:.4%} of labels equal the checkpoint's", flush=True)


if __name__ == "__main__":
    with user_errors():
        main()
