"""Imports a wheel of TensorRT's bindings over stub libraries, in a process of its own, and prints JSON about it.

    python -m tests.runtime.tensorrt_check WHEEL_FOLDER STUB_LIBRARY... MODEL.onnx

`surface`: {class or module: names}. `built`: what `build_plan`, through the real Polygraphy, asked of TensorRT, with
the objects that need a GPU replaced by mocks that have the real classes' attributes and no others.
"""

import ctypes
import inspect
import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import MagicMock, Mock


class EmptyNetwork(Mock):
    """A network without layers."""

    def __iter__(self):
        return iter(())


def main(wheel: str, *rest: str) -> None:
    *stubs, model = rest
    sys.path.insert(0, wheel)
    for stub in stubs:
        ctypes.CDLL(stub, mode=ctypes.RTLD_GLOBAL)  # found by its SONAME when the bindings ask for it
    import tensorrt_bindings

    sys.modules["tensorrt"] = tensorrt_bindings
    surface = {name: dir(value) for name, value in vars(tensorrt_bindings).items() if inspect.isclass(value)} | {
        "": dir(tensorrt_bindings)
    }
    print(json.dumps({"surface": surface, "built": build(tensorrt_bindings, Path(model))}))


def build(trt, model: Path) -> dict:
    """The calls that `build_plan` for batches of 1 and 4 makes."""
    from src.model_card import read_card
    from src.runtime.engines.tensorrt_build import TIMING_CACHE, build_plan

    config = Mock(spec=trt.IBuilderConfig)
    config.DLA_core, config.default_device_type = -1, trt.DeviceType.GPU
    config.engine_capability, config.get_flag.return_value = trt.EngineCapability.STANDARD, False
    config.profiling_verbosity, config.get_memory_pool_limit.return_value = trt.ProfilingVerbosity.NONE, 0
    config.get_preview_feature.return_value, config.get_tactic_sources.return_value = False, 0
    config.num_optimization_profiles, config.builder_optimization_level = 2, 3
    if hasattr(trt.IBuilderConfig, "int8_calibrator"):  # gone in 11
        config.int8_calibrator = None
    profiles = []

    def profile():
        profiles.append(Mock(spec=trt.IOptimizationProfile))
        profiles[-1].set_shape.return_value = None
        profiles[-1].get_shape.return_value = [(1,)]
        return profiles[-1]

    network = EmptyNetwork(spec=trt.INetworkDefinition)
    frames = Mock(spec=trt.ITensor)
    card = read_card(model)
    frames.name, frames.shape, frames.dtype = "frames", (-1, card.height, card.width, 3), trt.uint8
    frames.is_shape_tensor = False
    network.num_inputs, network.num_outputs, network.num_layers = 1, 0, 0
    network.get_input.return_value = frames
    builder = Mock(spec=trt.Builder)
    builder.create_network.return_value = network
    builder.create_builder_config.return_value = config
    builder.create_optimization_profile.side_effect = profile
    builder.build_serialized_network.return_value = b"plan"
    parser = Mock(spec=trt.OnnxParser)
    parser.parse_from_file.return_value, parser.num_errors = True, 0
    trt.Builder, trt.OnnxParser = lambda logger: builder, lambda network, logger: parser
    caches = []

    def cache(known: bytes):
        made = MagicMock(spec=trt.ITimingCache)
        made.combine.return_value = True
        made.serialize.return_value = memoryview(b"measured")
        caches.append(bytes(known))
        config.get_timing_cache.return_value = made
        return made

    config.create_timing_cache.side_effect = cache
    config.set_timing_cache.return_value = True
    with TemporaryDirectory() as kept:
        plan = build_plan(model, card, (1, 4), Path(kept))
        timings = (Path(kept) / TIMING_CACHE).read_bytes()
        profiles_added, first = config.add_optimization_profile.call_count, len(profiles)
        build_plan(model, card, (1, 4), Path(kept))
    profiles = profiles[:first]
    call = builder.create_network.call_args
    strongly_typed = 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    return {
        "plan": plan.decode(),
        "strongly_typed": bool((call.kwargs.get("flags") or call.args[0]) & strongly_typed),
        "shapes": [[list(shape) for shape in p.set_shape.call_args.args[1:]] for p in profiles],
        "profiles_added": profiles_added,
        "timings": timings.decode(),
        "begun_from": [known.decode() for known in caches],
        "cleared": [call.args[0].name for call in config.clear_flag.call_args_list],
        "set": [call.args[0].name for call in config.set_flag.call_args_list],
        "pools": {call.args[0].name: call.args[1] for call in config.set_memory_pool_limit.call_args_list},
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
