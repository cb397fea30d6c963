"""What a run says to people: which model plays, and what came of it."""

import sys
from collections.abc import Sequence

from src.runtime.engines import int8_beside, released_model
from src.runtime.engines.base import EngineInfo
from src.runtime.unheard import Unheard
from src.runtime.video.stats import RunStats


def model_line(info: EngineInfo) -> str:
    """One line: name, backend, precision, input size and, where the card has them, test IoU and training data."""
    card = info.card
    released = released_model()
    what = "released model" if info.path in (released, int8_beside(released)) else "model"
    iou = f", test IoU {card.metrics['iou']:.3f}" if "iou" in card.metrics else ""
    sources = ", ".join(str(one.get("source")) for one in card.training_data)
    trained = f", trained on {sources}" if sources else ""
    return (
        f"{what}: {card.name} ({info.backend} {info.precision} on {info.device}, "
        f"input {card.width}x{card.height}{iou}{trained}) from {info.path}"
    )


def say(text: str) -> None:
    """Prints to stdout, if anyone still reads it; what its encoding cannot say, such as in names of files, escaped."""
    if sys.stdout is not None:
        encoding = sys.stdout.encoding or "utf-8"
        print(text.encode(encoding, "backslashreplace").decode(encoding), file=Unheard(sys.stdout), flush=True)


def summary(stats: RunStats, unit: str, notes: Sequence[str]) -> str:
    """The figures of a run as a few lines.

    Args:
        unit: frames or photos.
        notes: one line each, such as where an output is.
    """
    dropped = f"; {stats.drops} dropped" if stats.drops else ""
    lines = [
        f"{stats.frames} {unit} in {stats.seconds:.2f} s: {stats.fps:.1f} FPS, "
        f"{stats.share_of_limit:.0%} of what the cores allow{dropped}; first after {stats.first_frame_s:.2f} s; "
        f"peak memory {stats.peak_rss_mb:.0f} MiB",
        f"{'step':<8} {'p50 ms':>8} {'p95 ms':>8} {'CPU ms':>8}",
        *(
            f"{name:<8} {step.p50_ms:>8.2f} {step.p95_ms:>8.2f} {step.cpu_ms:>8.2f}"
            for name, step in stats.steps.items()
        ),
        *notes,
    ]
    return "\n".join(lines)
