"""What TensorRT's parser takes: its published list, graphs made to leave it, and every net of the zoo."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, helper

from src.export import check_contract, to_onnx
from src.export.fp16 import to_half
from src.export.graph import INPUT, OUTPUTS
from src.export.int8 import to_int8
from src.export.operators import SUPPORTED, tensorrt_violations
from src.models.portable import PortableModel
from tests.models.test_every_net import NETS, made

SIZE = 64
FLOAT, HALF, INT64 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT64


def test_the_list_names_each_operator_once():
    assert len(SUPPORTED) == 158
    assert {"Conv", "Resize", "DequantizeLinear"} <= set(SUPPORTED)
    assert set(SUPPORTED).isdisjoint({"QLinearConv", "ConvInteger", "DynamicQuantizeLinear", "Unique", "MaxUnpool"})
    assert TensorProto.UINT8 in SUPPORTED["Cast"]
    assert all(TensorProto.UINT8 not in types for name, types in SUPPORTED.items() if not name.startswith("Cast"))


def model_of(*nodes, opset=20, input_type=FLOAT, **initializers):
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", input_type, [1, 3, 8, 8])],
        [onnx.ValueInfoProto(name="y")],
        initializer=[onnx.numpy_helper.from_array(array, name) for name, array in initializers.items()],
    )
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def node(kind, inputs=("x",), outputs=("y",), **attributes):
    return helper.make_node(kind, inputs, outputs, name="n", **attributes)


SPARSE = helper.make_sparse_tensor(
    helper.make_tensor("values", FLOAT, [1], [1]), helper.make_tensor("places", INT64, [1], [0]), [3]
)
BODY = helper.make_graph([node("Constant", [], ["b"], value_float=1.0)], "body", [], [onnx.ValueInfoProto(name="b")])
ONE, ZERO = np.array(1, np.float32), np.array(0, np.int8)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (model_of(node("Unique")), "Unique 'n': TensorRT 10.15 does not list this operator"),
        (model_of(node("Relu", domain="com.microsoft")), "does not list"),
        (model_of(node("Relu"), opset=8), "opset 8"),
        (model_of(node("Relu"), input_type=TensorProto.DOUBLE), "DOUBLE is none of its types"),
        (model_of(node("Cast", to=TensorProto.INT16)), "INT16 is none of its types"),
        (model_of(node("Add", ["x", "h"]), h=np.ones(1, np.float16)), "several float types"),
        (model_of(node("Resize", ["x", "", "s"], mode="cubic"), s=np.ones(4, np.float32)), "mode is cubic"),
        (model_of(node("Resize", ["x", "", "s"], antialias=1), s=np.ones(4, np.float32)), "antialias is 1"),
        (model_of(node("MaxPool", kernel_shape=[2, 2], dilations=[2, 2])), "it is dilated"),
        (model_of(node("MaxPool", ["x"], ["y", "i"], kernel_shape=[2, 2])), "it gives indices"),
        (model_of(node("AveragePool", kernel_shape=[2])), "neither 2D nor 3D"),
        (model_of(node("QuantizeLinear", ["x", "s"]), s=ONE), "without a zero point"),
        (model_of(node("QuantizeLinear", ["x", "s", "z"]), s=ONE, z=np.array(0, np.uint8)), "uint8, not int8"),
        (model_of(node("QuantizeLinear", ["x", "s", "z"]), s=ONE, z=np.array(3, np.int8)), "not 0"),
        (model_of(node("QuantizeLinear", ["x", "s", "z"]), s=-ONE, z=ZERO), "not positive"),
        (model_of(node("DequantizeLinear", ["b", "s", "z"]), b=np.ones(3, np.int32), s=ONE, z=ZERO), "INT32 is none"),
        (model_of(node("ReduceMean", ["x", "axes"])), "input 1 must be a constant"),
        (model_of(node("TopK", ["x", "k"], ["y", "i"]), k=np.array([4000])), "3840 or more"),
        (model_of(node("TopK", ["x", "k"], ["y", "i"], sorted=0), k=np.array([4])), "not sorted"),
        (model_of(node("ScatterND", ["x", "i", "u"], reduction="add")), "it reduces"),
        (model_of(node("LayerNormalization", ["x", "s"], ["y", "m"]), s=np.ones(8, np.float32)), "first output"),
        (model_of(node("Constant", [], value_strings=["a"])), "STRING is none of its types"),
        (model_of(node("If", then_branch=BODY, else_branch=BODY), input_type=TensorProto.BOOL), "not looked into"),
        (model_of(node("Constant", [], sparse_value=SPARSE)), "sparse"),
    ],
)  # fmt: skip
def test_what_leaves_the_list_is_named(model, says):
    [violation] = tensorrt_violations(model)
    assert says in violation


@pytest.mark.parametrize(
    "model",
    [
        model_of(node("Resize", ["x", "", "s"], mode="linear"), s=np.ones(4, np.float32), input_type=HALF),
        model_of(node("Resize", ["x", "", "", "n"], mode="nearest", nearest_mode="floor"), n=np.array([1, 3, 4, 4])),
        model_of(node("QuantizeLinear", ["x", "s", "z"]), s=ONE, z=ZERO),
        model_of(node("Shape", ["x"])),
        model_of(helper.make_node("Constant", [], ["axes"], value_ints=[1]), node("Relu")),
    ],
)
def test_what_is_on_it_is_not(model):
    assert tensorrt_violations(model) == []


@pytest.mark.parametrize(
    ("name", "encoder", "context"), [*NETS, ("unet", "mobilenet_v2", 0), ("deeplabv3plus", "efficientnet-b0", 0)]
)
def test_every_net_is_taken_in_every_precision(name, encoder, context):
    """Also: each passes the checker and runs. Untrained weights have no say in what fp16 and int8 lose."""
    one, model = made(name, encoder, context)
    frames = np.random.default_rng(0).integers(0, 255, (2, SIZE, SIZE, 3), np.uint8)
    portable = PortableModel(model.eval(), 0.5).eval()
    fp32 = to_onnx(portable, one.card(0.5))
    with torch.inference_mode():
        expected = portable(torch.from_numpy(frames))[0].numpy()
    for precision, model in {"fp32": fp32, "fp16": to_half(fp32), "int8": to_int8(fp32, frames)}.items():
        onnx.checker.check_model(model, full_check=True)
        check_contract(model)
        assert tensorrt_violations(model) == []
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        labels = session.run([OUTPUTS[0]], {INPUT: frames})[0]
        assert labels.shape == expected.shape
        assert precision != "fp32" or (labels == expected).mean() >= 0.999
