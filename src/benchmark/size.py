"""How large the model is, and how much it computes."""

from pathlib import Path


def model_size(checkpoint: Path, onnx: Path) -> dict[str, float]:
    """Parameters; gmac, 10^9 multiplications with addition for a frame; megabytes, 10^6 bytes of the model file."""
    from src.models.complexity import complexity
    from src.models.zoo import load_checkpoint

    segmenter, spec = load_checkpoint(checkpoint)
    counted = complexity(segmenter, spec.height, spec.width)
    return {"parameters": counted.parameters, "gmac": counted.macs / 1e9, "megabytes": onnx.stat().st_size / 1e6}
