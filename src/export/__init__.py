"""Checkpoint -> model files: one ONNX graph per precision, each held to its gates before it is written.

    verdicts = export(segmenter, card, validation_images(folder, 64), Path("models/onnx"), Plan(threshold=0.5))
    verdicts["int8"].passed, verdicts["int8"].figures

The contract is in DESIGN.md section 4 and README's "The model file"; docs/export.md says what each variant is.
"""

from src.export.gates import Gate, Verdict
from src.export.graph import check_contract, to_onnx
from src.export.images import Images, validation_images
from src.export.variants import Plan, export, with_history

__all__ = [
    "Gate",
    "Images",
    "Plan",
    "Verdict",
    "check_contract",
    "export",
    "to_onnx",
    "validation_images",
    "with_history",
]
