"""Class tables: native label names of a source -> target classes of the model, and void."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from src.errors import UserError
from src.model_card import ClassInfo

VOID = 255  # the target value of pixels that are neither trained on nor scored
VOID_NAME = "void"
BACKGROUND = ClassInfo("background", (0, 0, 0))

# Display colours by class, RGB: no sky, road or leaf has them.
PALETTE = (
    (255, 51, 153),
    (255, 176, 0),
    (0, 214, 193),
    (130, 92, 255),
    (220, 60, 40),
    (170, 220, 0),
    (255, 122, 214),
    (90, 200, 255),
)


@dataclass(frozen=True)
class ClassTable:
    """The target classes of a task.

    Attributes:
        classes: by index; index 0 is background, 1.. are the keys of `labels` in their order.
        natives: native class name -> target index, for the names that `labels` lists.
    """

    classes: tuple[ClassInfo, ...]
    natives: Mapping[str, int]

    @classmethod
    def from_labels(cls, labels: Mapping[str, Sequence[str]]) -> "ClassTable":
        """From params' `labels`: target class -> native class names."""
        natives = {native: index for index, names in enumerate(labels.values(), start=1) for native in names}
        targets = (ClassInfo(name, PALETTE[i % len(PALETTE)]) for i, name in enumerate(labels))
        return cls((BACKGROUND, *targets), natives)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.classes)

    def lookup(self, vocabulary: Mapping[str, int], source: str) -> tuple[np.ndarray, np.ndarray]:
        """Tables over the 256 native mask values of one source.

        Args:
            vocabulary: the source's native class name -> mask value.
            source: its name, for errors.

        Returns:
            target uint8 [256]: native value -> target index or `VOID`;
            known bool [256]: whether the vocabulary lists the value.

        Raises:
            UserError: no native name of `labels` is in the vocabulary, so the source could teach nothing.
        """
        if not self.natives.keys() & vocabulary.keys():
            raise UserError(
                f"labels: source '{source}' has none of the classes {sorted(self.natives)}",
                f"its native classes are {sorted(vocabulary)}",
                "name some of them under labels in params.yaml",
            )
        target = np.full(256, VOID, np.uint8)
        known = np.zeros(256, bool)
        for name, value in vocabulary.items():
            target[value] = VOID if name == VOID_NAME else self.natives.get(name, 0)
            known[value] = True
        return target, known
