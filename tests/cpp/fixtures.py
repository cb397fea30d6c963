"""Writes the model files that the C++ unit tests open: python -m tests.cpp.fixtures FOLDER (ctest runs it)."""

import sys
from pathlib import Path

from tests.model_file import (
    write_binary_model,
    write_foreign_model,
    write_model_of_wrong_ports,
    write_three_class_model,
)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    binary = write_binary_model(folder / "binary.onnx")
    write_three_class_model(folder / "three.onnx")
    write_foreign_model(folder / "foreign.onnx")
    write_model_of_wrong_ports(folder / "wrong_ports.onnx")
    # Whole as a message, with its card, but of a graph that no longer makes sense.
    (folder / "corrupt.onnx").write_bytes(binary.read_bytes().replace(b"Sigmoid", b"Sigmund"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
