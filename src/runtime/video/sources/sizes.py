"""One size for all frames of a source, whatever the stream does."""

import sys

import cv2
import numpy as np


class OneSize:
    """Resizes frames to the size of the first, because outputs cannot change theirs; says so once.

    Args:
        name: of the source, for the message.
        first: uint8 [H, W, 3].
    """

    def __init__(self, name: str, first: np.ndarray) -> None:
        self.name, self.said = name, False
        self.height, self.width = first.shape[:2]

    def fit(self, image: np.ndarray, into: np.ndarray | None = None) -> np.ndarray:
        """The image itself, or resized, into `into` where given."""
        height, width = image.shape[:2]
        if (height, width) == (self.height, self.width):
            return image
        if not self.said:
            self.said = True
            change = f"from {self.width}x{self.height} to {width}x{height}"
            print(f"{self.name}: the size changes {change} in mid-stream; resized to the first", file=sys.stderr)
        return cv2.resize(image, (self.width, self.height), dst=into)
