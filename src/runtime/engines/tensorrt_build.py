"""Model file -> TensorRT plan, through Polygraphy: `polygraphy run` in docs/deploy.md repeats what stands here.

The network is strongly typed: every precision is the graph's own (fp16 weights, explicit Q/DQ for int8), and nothing is
told to the builder. TensorRT 11 has no other way, and 10.12 builds the same network.
"""

from collections.abc import Sequence
from pathlib import Path

from src.errors import EngineError
from src.files import make_writable
from src.model_card import ModelCard
from src.runtime.engines.base import INPUT, engine_error
from src.runtime.engines.tensorrt import INSTALL, load_tensorrt

WORKSPACE_BYTES = 1 << 30  # scratch memory a tactic may ask for; the networks here need far less
TIMING_CACHE = "tensorrt.timings"


def build_plan(onnx_path: Path, card: ModelCard, batch_sizes: Sequence[int], timings: Path | None) -> bytes:
    """Builds a plan with one profile per batch size, whose smallest, best and largest shape are that size.

    TF32 is off: with it, "fp32" would multiply with 10 bits of mantissa and flip labels.

    Args:
        onnx_path: the model file.
        card: its card.
        batch_sizes: ascending.
        timings: folder for what the builder measured, which makes a second build on this GPU faster; None keeps none.

    Returns:
        the serialised plan, for this GPU and TensorRT version.

    Raises:
        EngineError: Polygraphy or TensorRT is missing or too old, or TensorRT cannot build the graph.
    """
    try:
        from polygraphy.backend.trt import CreateConfig, Profile, engine_bytes_from_network, network_from_onnx_path
        from polygraphy.exception import PolygraphyException
        from polygraphy.logger import G_LOGGER
    except ImportError as error:
        raise EngineError("Polygraphy is not installed", str(error), INSTALL) from error
    trt = load_tensorrt()
    shapes = [(size, card.height, card.width, 3) for size in batch_sizes]
    profiles = [Profile().add(INPUT, min=shape, opt=shape, max=shape) for shape in shapes]
    kept = None
    if timings is not None:
        make_writable(timings)
        kept = timings / TIMING_CACHE
    known = str(kept) if kept and kept.is_file() else None
    try:
        with G_LOGGER.verbosity(G_LOGGER.ERROR):
            config = CreateConfig(
                tf32=False,
                profiles=profiles,
                memory_pool_limits={trt.MemoryPoolType.WORKSPACE: WORKSPACE_BYTES},
                load_timing_cache=known,
            )
            network = network_from_onnx_path(str(onnx_path), strongly_typed=True)
            plan = engine_bytes_from_network(network, config=config, save_timing_cache=kept and str(kept))
    except (PolygraphyException, RuntimeError) as error:
        fix = "its log above names the layer; docs/deploy.md has the polygraphy command to try it"
        raise engine_error(f"{onnx_path}: TensorRT cannot build it", error, fix) from error
    return bytes(plan)
