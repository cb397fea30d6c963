"""The running wing's fixtures, shared."""

from tests.runtime.conftest import binary_model, clip, three_class_model

__all__ = ["binary_model", "clip", "three_class_model"]
