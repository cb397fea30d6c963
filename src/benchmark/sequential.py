"""A plain loop over a video, as it is written first: the baseline that the player is held against.

    python -m src.benchmark.sequential --video clip.mp4 --save out.mp4 --frames 50

One step after another, on one thread but for what the libraries start by themselves: cv2 reads, the checkpoint's net
runs in eager PyTorch in fp32, numpy tints the sky's pixels, cv2 writes. Prints one JSON line: frames, seconds, fps.
"""

import argparse
import json
import time
from pathlib import Path

import cv2
import numpy as np

from src.errors import UserError, user_errors
from src.runtime.options import positive

TINT_BGR, OPACITY, THRESHOLD = (255, 114, 0), 0.5, 0.5


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m src.benchmark.sequential",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--video", type=Path, required=True, help="what to play")
    parser.add_argument("--save", type=Path, required=True, help="the .mp4 to write")
    parser.add_argument(
        "--checkpoint", type=Path, default=Path("models/checkpoint.ckpt"), help="(default: %(default)s)"
    )
    parser.add_argument("--frames", type=positive, default=50, help="at most (default: %(default)s)")
    options = parser.parse_args()
    print(json.dumps(play(options.video, options.save, options.checkpoint, options.frames)), flush=True)


def play(video: Path, out: Path, checkpoint: Path, frames: int) -> dict[str, float]:
    """Plays at most so many frames; returns {frames, seconds, fps}, the loop alone, after one untimed inference.

    Raises:
        UserError: the video or the checkpoint cannot be read, or nothing can be written.
    """
    import torch

    from src.models.zoo import load_checkpoint, probabilities

    segmenter, spec = load_checkpoint(checkpoint)
    capture = cv2.VideoCapture(str(video))
    size = (int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)))
    writer = cv2.VideoWriter(str(out), cv2.VideoWriter_fourcc(*"mp4v"), capture.get(cv2.CAP_PROP_FPS) or 25, size)
    if not (capture.isOpened() and writer.isOpened()):
        raise UserError(f"{video} cannot be read, or {out} not be written", fix="name a video, and an .mp4 to write")

    @torch.inference_mode()
    def is_sky(frame: np.ndarray) -> np.ndarray:
        small = cv2.cvtColor(cv2.resize(frame, (spec.width, spec.height)), cv2.COLOR_BGR2RGB)
        chance = probabilities(segmenter(torch.from_numpy(small[None])))[0, 0].numpy()
        return cv2.resize(chance, size) >= THRESHOLD

    is_sky(np.zeros((size[1], size[0], 3), np.uint8))
    began, count = time.perf_counter(), 0
    while count < frames:
        read, frame = capture.read()
        if not read:
            break
        sky = is_sky(frame)
        frame[sky] = frame[sky] * (1 - OPACITY) + np.array(TINT_BGR) * OPACITY
        writer.write(frame)
        count += 1
    writer.release()
    seconds = time.perf_counter() - began
    return {"frames": count, "seconds": round(seconds, 3), "fps": round(count / seconds, 2)}


if __name__ == "__main__":
    with user_errors():
        main()
