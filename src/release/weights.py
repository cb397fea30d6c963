"""A model file at half its size: kernels stored in float16, each followed by a Cast to float32.

The graph computes in float32 as before, so its card says fp32 and each backend chooses its own arithmetic. ONNX Runtime
and OpenVINO fold the Casts when they load it.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from src.export.graph import WEIGHTED, replace_nodes


def with_half_kernels(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose kernels and matrices are stored in float16; biases and the normalisation stay in float32.

    TensorRT's parser takes a kernel that is a tensor, as of a Cast, but wants biases as initializers.

    Raises:
        ValueError: a weight is beyond what float16 holds.
    """
    halved = onnx.ModelProto()
    halved.CopyFrom(model)
    graph = halved.graph
    kernels = {node.input[1] for node in graph.node if node.op_type in WEIGHTED}
    casts = []
    for tensor in graph.initializer:
        if tensor.name in kernels and tensor.data_type == TensorProto.FLOAT:
            name = tensor.name
            with np.errstate(over="ignore"):
                values = numpy_helper.to_array(tensor).astype(np.float16)
            if not np.isfinite(values).all():
                raise ValueError(f"{name} has weights beyond float16's range of 65504")
            tensor.CopyFrom(numpy_helper.from_array(values, f"{name}_half"))
            casts.append(helper.make_node("Cast", [f"{name}_half"], [name], name=f"cast_{name}", to=TensorProto.FLOAT))
    replace_nodes(graph, [*casts, *graph.node])
    return halved
