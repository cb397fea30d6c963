"""Builds an engine for this machine from model files alone, without the pipeline.

    python -m src.runtime.engines --models models/onnx --images photos/images --out models/engine
    python -m src.runtime.engines --models released.onnx --images photos/images --out engine --backend openvino
    python -m src.runtime.engines --models models/onnx --images photos/images --out engine --precision fp16

--images are photographs of what the engine will see: its labels on them are held against the fp32 model file's.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from src.errors import UserError, user_errors
from src.runtime.engines import PRECISIONS
from src.runtime.options import positive, share


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m src.runtime.engines",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    every = dict.fromkeys(precision for precisions in PRECISIONS.values() for precision in precisions)
    parser.add_argument("--models", type=Path, required=True, help="an .onnx model file, or the folder of them")
    parser.add_argument("--images", required=True, help="a picture, a folder (with its subfolders), or a quoted glob")
    parser.add_argument("--out", type=Path, required=True, help="the engine folder to write or replace")
    parser.add_argument("--backend", choices=("auto", *PRECISIONS), default="auto", help="(default: %(default)s)")
    parser.add_argument("--precision", choices=("auto", *every), default="auto", help="(default: %(default)s)")
    parser.add_argument("--threads", type=positive, help="for inference (default: every core)")
    parser.add_argument("--batch-sizes", type=positive, nargs="+", default=[1], help="TensorRT alone (default: 1)")
    parser.add_argument(
        "--frames", type=positive, default=32, help="pictures to look at, at most (default: %(default)s)"
    )
    parser.add_argument("--min-agreement", type=share, default=0.99, help="0..1; of labels (default: %(default)s)")
    parser.add_argument("--int8-min-agreement", type=share, default=0.98, help="0..1 (default: %(default)s)")
    options = parser.parse_args(arguments)
    with user_errors():
        _build(options)


def _build(options: argparse.Namespace) -> None:
    import numpy as np

    from src.runtime.engines.build import build_engine
    from src.runtime.engines.choice import Models
    from src.runtime.frames import prepare
    from src.runtime.photo_plan import find_pictures
    from src.runtime.pictures import read_if_possible

    models = Models.find(options.models)
    card = models.cards[models.reference]
    photos = find_pictures(options.images)
    spread = np.linspace(0, len(photos) - 1, min(options.frames, len(photos))).round().astype(int)
    pictures = [read_if_possible(photos[place]) for place in spread]
    frames = [prepare(picture.image, card) for picture in pictures if picture is not None]
    if not frames:
        raise UserError(f"{options.images}: none of the pictures can be read", fix="name another folder")
    build_engine(
        options.models,
        options.out,
        np.stack(frames),
        backend=options.backend,
        precision=options.precision,
        agreement_limit=options.min_agreement,
        int8_agreement_limit=options.int8_min_agreement,
        threads=options.threads,
        batch_sizes=tuple(options.batch_sizes),
    )


if __name__ == "__main__":
    main()
