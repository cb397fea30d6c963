"""Tiny model files that hold the contract, made with onnx.helper, so that the runtime is tested without torch.

The binary one finds "sky" by a fixed linear map of blueness and height, the other splits the frame in bands.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from src.model_card import KEY, ClassInfo, ModelCard

HEIGHT, WIDTH = 64, 96
SKY_COLOUR = (0, 114, 255)


def binary_card(**changes) -> ModelCard:
    fields = {
        "name": "blue-and-high",
        "classes": (ClassInfo("background", (0, 0, 0)), ClassInfo("sky", SKY_COLOUR)),
        "height": HEIGHT,
        "width": WIDTH,
        "metrics": {"iou": 0.912},
    }
    return ModelCard(**fields | changes)


def three_class_card() -> ModelCard:
    classes = (ClassInfo("background", (0, 0, 0)), ClassInfo("red", (255, 0, 0)), ClassInfo("green", (0, 255, 0)))
    return binary_card(name="red-or-green", classes=classes, threshold=None)


def write_binary_model(path: Path, card: ModelCard | None = None) -> Path:
    """p(sky) = sigmoid(0.05 (blue - red) + 4 (0.5 - row / height))."""
    card = card or binary_card()
    height = 4 * (0.5 - np.arange(card.height, dtype=np.float32) / card.height).reshape(1, card.height, 1, 1)
    nodes = [
        helper.make_node("Cast", ["frames"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["pixels", "blueness"], ["blue"]),
        helper.make_node("Add", ["blue", "height"], ["logits4"]),
        helper.make_node("Squeeze", ["logits4", "last"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["probability"]),
        helper.make_node("GreaterOrEqual", ["probability", "threshold"], ["is_sky"]),
        helper.make_node("Cast", ["is_sky"], ["sky"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["sky"], ["labels"], to=TensorProto.UINT8),
        helper.make_node("Mul", ["probability", "full"], ["scaled"]),
        helper.make_node("Round", ["scaled"], ["rounded"]),
        helper.make_node("Cast", ["rounded"], ["confidence"], to=TensorProto.UINT8),
    ]
    constants = {
        "blueness": np.array([[-0.05], [0], [0.05]], np.float32),
        "height": height,
        "last": np.array([3], np.int64),
        "threshold": np.array(card.threshold, np.float32),
        "full": np.array(255, np.float32),
    }
    return _save(path, card, nodes, constants)


def write_three_class_model(path: Path, card: ModelCard | None = None) -> Path:
    """Class 1 where red leads by 32, class 2 where green does; confidence 255 everywhere."""
    card = card or three_class_card()
    maps = np.array([[0, 1, -1], [0, -1, 1], [0, 0, 0]], np.float32)
    nodes = [
        helper.make_node("Cast", ["frames"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("MatMul", ["pixels", "maps"], ["led"]),
        helper.make_node("Add", ["led", "bias"], ["logits"]),
        helper.make_node("ArgMax", ["logits"], ["winner"], axis=3, keepdims=0),
        helper.make_node("Cast", ["winner"], ["index"], to=TensorProto.FLOAT),
        helper.make_node("Cast", ["index"], ["labels"], to=TensorProto.UINT8),
        helper.make_node("Mul", ["index", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "full"], ["certain"]),
        helper.make_node("Cast", ["certain"], ["confidence"], to=TensorProto.UINT8),
    ]
    constants = {
        "maps": maps,
        "bias": np.array([32, 0, 0], np.float32),
        "zero": np.array(0, np.float32),
        "full": np.array(255, np.float32),
    }
    return _save(path, card, nodes, constants)


def write_foreign_model(path: Path) -> Path:
    """A valid ONNX file of someone else: no card, other inputs and outputs."""
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "foreign", value[:1], value[1:])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10), path)
    return path


def write_model_of_wrong_ports(path: Path) -> Path:
    """A card of ours around a graph that is not: what a hand edit or a failed export could leave."""
    write_foreign_model(path)
    model = onnx.load(path)
    helper.set_model_props(model, {KEY: binary_card().to_json()})
    onnx.save(model, path)
    return path


def write_variants(folder: Path) -> Path:
    """The binary model thrice, as export-onnx names them; the graphs are alike, their cards differ."""
    for precision in ("fp32", "fp16", "int8"):
        write_binary_model(folder / f"{precision}.onnx", binary_card(precision=precision))
    return folder


def _save(path: Path, card: ModelCard, nodes: list, constants: dict[str, np.ndarray]) -> Path:
    size = [card.height, card.width]
    graph = helper.make_graph(
        nodes,
        card.name,
        inputs=[helper.make_tensor_value_info("frames", TensorProto.UINT8, ["N", *size, 3])],
        outputs=[
            helper.make_tensor_value_info(name, TensorProto.UINT8, ["N", *size]) for name in ("labels", "confidence")
        ],
        initializer=[numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    helper.set_model_props(model, {KEY: card.to_json()})
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path
