"""Checkpoint -> model file: one ONNX graph with everything inside, held against the checkpoint before it is written.

The contract is in DESIGN.md section 4 and README's "The model file"; `check_contract` holds a graph to it.
"""

import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from src.errors import UserError
from src.evaluation.metrics import Tally
from src.files import write_whole
from src.model_card import KEY, ModelCard
from src.models.portable import PortableModel
from src.models.zoo import Segmenter

OPSET = 20
INPUT, OUTPUTS = "frames", ("labels", "confidence")


def export(
    segmenter: Segmenter,
    card: ModelCard,
    frames: np.ndarray,
    masks: np.ndarray,
    path: Path,
    *,
    threshold: float,
    min_agreement: float,
) -> dict[str, Any]:
    """Writes `path` if its masks agree with the checkpoint's.

    Args:
        segmenter: the trained network, in evaluation mode.
        card: goes into the file.
        frames: uint8 [N, H, W, 3] RGB, real images at the model's size.
        masks: uint8 [N, H, W], their target indices and void.
        path: the ONNX file.
        threshold: probability from which a pixel is of class 1.
        min_agreement: least share of pixels with the checkpoint's label.

    Returns:
        metrics: agreement, max and mean difference of the confidence (0..1), IoU of both and its change, megabytes.

    Raises:
        UserError: the graph cannot be exported or breaks the contract, or it disagrees; nothing is written then.
    """
    portable = PortableModel(segmenter, threshold).eval()
    model = to_onnx(portable, card)
    check_contract(model)
    serialised = model.SerializeToString()
    figures = compare(portable, serialised, card, frames, masks)
    figures["megabytes"] = round(len(serialised) / 1e6, 3)
    if figures["agreement"] < min_agreement:
        raise UserError(
            f"export: the {card.precision} graph gives {figures['agreement']:.4%} of the checkpoint's labels",
            f"export.min_agreement asks for {min_agreement:.4%}; nothing was written",
            "if that is good enough, lower export.min_agreement; else report it with your model.name and encoder",
        )
    write_whole(path, serialised)
    return figures


def to_onnx(portable: PortableModel, card: ModelCard) -> onnx.ModelProto:
    """The graph with its card inside: batch dynamic, height and width static.

    Raises:
        UserError: the network has an operation that cannot be exported.
    """
    # Two frames: a batch of one would be taken for a constant.
    example = torch.zeros(2, card.height, card.width, 3, dtype=torch.uint8)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch about its own internals
            program = torch.onnx.export(
                portable,
                (example,),
                dynamo=True,
                opset_version=OPSET,
                input_names=[INPUT],
                output_names=list(OUTPUTS),
                dynamic_shapes={INPUT: {0: torch.export.Dim("batch", min=1)}},
                verbose=False,
            )
    except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
        raise UserError(f"export: {card.name} cannot be exported to ONNX", str(error).splitlines()[0]) from error
    model = program.model_proto
    _ask_the_cast_for_shapes(model.graph)
    model.producer_name = "skyseg"
    onnx.helper.set_model_props(model, {KEY: card.to_json()})
    onnx.checker.check_model(model, full_check=True)
    return model


def _ask_the_cast_for_shapes(graph: onnx.GraphProto) -> None:
    """Where the exporter reads the batch size off `frames`, reads it off the Cast of `frames` instead: the same
    shape, and the Cast stays the only node that touches uint8."""
    cast = next(node for node in graph.node if node.op_type == "Cast" and INPUT in node.input)
    rest = [node for node in graph.node if node != cast]
    for node in rest:
        if node.op_type == "Shape":
            node.input[:] = [cast.output[0] if name == INPUT else name for name in node.input]
    ordered = [onnx.NodeProto.FromString(node.SerializeToString()) for node in (cast, *rest)]
    del graph.node[:]
    graph.node.extend(ordered)


def check_contract(model: onnx.ModelProto) -> None:
    """Holds a graph to the contract's edge: uint8 in by a Cast alone, uint8 out from a Cast alone.

    TensorRT supports no other use of uint8 (NVIDIA/TensorRT#3985).

    Raises:
        UserError: names the first violation.
    """
    for violation in _violations(model):
        raise UserError(f"export: the graph breaks the model file contract: {violation}")


def _violations(model: onnx.ModelProto) -> Iterator[str]:
    graph = model.graph
    uint8, floats = onnx.TensorProto.UINT8, (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
    if [i.name for i in graph.input] != [INPUT] or [o.name for o in graph.output] != list(OUTPUTS):
        yield f"inputs {[i.name for i in graph.input]}, outputs {[o.name for o in graph.output]}"
    for value in (*graph.input, *graph.output):
        if value.type.tensor_type.elem_type != uint8:
            yield f"{value.name} is not uint8"
        sizes = value.type.tensor_type.shape.dim
        if not sizes[0].dim_param or any(size.dim_param for size in sizes[1:]):
            yield f"{value.name}: the batch must be dynamic and every other size static"
    types = {v.name: v.type.tensor_type.elem_type for v in onnx.shape_inference.infer_shapes(model).graph.value_info}
    for node in graph.node:
        if INPUT in node.input and not (node.op_type == "Cast" and _cast_to(node) in floats):
            yield f"{INPUT} feeds {node.op_type} '{node.name}' instead of a Cast to float"
        for name in node.output:
            if name in OUTPUTS and not (node.op_type == "Cast" and types.get(node.input[0]) in floats):
                yield f"{name} comes from {node.op_type} '{node.name}' instead of a Cast from float"
            if name not in OUTPUTS and types.get(name) == uint8:
                yield f"{node.op_type} '{node.name}' makes uint8 inside the graph"


def _cast_to(node: onnx.NodeProto) -> int:
    return next(a.i for a in node.attribute if a.name == "to")


def compare(
    portable: PortableModel, serialised: bytes, card: ModelCard, frames: np.ndarray, masks: np.ndarray
) -> dict[str, float]:
    """How far an ONNX graph, run by ONNX Runtime, is from its checkpoint; see `export` for the arguments."""
    import onnxruntime

    session = onnxruntime.InferenceSession(serialised, providers=["CPUExecutionProvider"])
    same = pixels = 0
    largest = total = 0.0
    tallies = Tally(card.classes), Tally(card.classes)
    for frame, target in zip(frames, masks, strict=True):
        with torch.inference_mode():
            ours = [out.numpy()[0] for out in portable(torch.from_numpy(frame[None]))]
        theirs = [out[0] for out in session.run(list(OUTPUTS), {INPUT: frame[None]})]
        same += int((ours[0] == theirs[0]).sum())
        pixels += target.size
        difference = np.abs(ours[1].astype(np.int16) - theirs[1].astype(np.int16))
        largest, total = max(largest, float(difference.max())), total + float(difference.sum())
        for tally, labels in zip(tallies, (ours[0], theirs[0]), strict=True):
            tally.add(target, labels)
    iou = [tally.summary().get("iou", 0.0) for tally in tallies]
    return {
        "agreement": same / pixels,
        "max_difference": largest / 255,
        "mean_difference": total / pixels / 255,
        "checkpoint_iou": iou[0],
        "iou": iou[1],
        "iou_change": iou[1] - iou[0],
    }


def with_history(card: ModelCard, *, git_revision: str, dvc_lock: dict[str, str], metrics: dict) -> ModelCard:
    """The card with where the model came from: the commit, the pipeline's outputs by md5, its test figures."""
    flat = {name: float(value) for name, value in metrics.items() if isinstance(value, int | float)}
    return replace(card, git_revision=git_revision, dvc_lock=dvc_lock, metrics=flat)
