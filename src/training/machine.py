"""The machine a run finds: precision, devices, threads, and the Fabric over them."""

import logging

import torch
from lightning.fabric import Fabric
from lightning.fabric.plugins.environments import ClusterEnvironment
from lightning.fabric.strategies import DDPStrategy

from src.errors import UserError
from src.hardware import bf16_flag, cores
from src.params import Train
from src.training.processes import Place


def choose_precision(wanted: str) -> str:
    """Lightning's precision for `train.precision`, with the reason printed.

    Raises:
        UserError: fp16 without CUDA.
    """
    cuda = torch.cuda.is_available()
    if wanted == "auto":
        flag = "CUDA" if cuda and torch.cuda.is_bf16_supported() else bf16_flag()
        wanted = "bf16" if flag else "fp32"
        why = f"{flag} computes in bfloat16" if flag else "no bfloat16 instructions on this processor"
        print(f"auto-detected: {wanted} ({why})", flush=True)
    if wanted == "fp16" and not cuda:
        raise UserError(
            "train.precision: fp16 needs CUDA, and there is none here",
            "processors compute in float16 slowly, or not at all",
            "set train.precision: auto (bf16 where the processor has it)",
        )
    return {"bf16": "bf16-mixed", "fp16": "16-mixed", "fp32": "32-true"}[wanted]


def count_devices(wanted: int | str) -> int:
    """Processes on this machine for `train.devices`: every GPU for "auto", without one a single process.

    Raises:
        UserError: more than there are GPUs, where there are any.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "auto":
        return max(1, gpus)
    if gpus and wanted > gpus:
        raise UserError(f"train.devices: {wanted}, but this machine has {gpus} GPUs", fix="set train.devices: auto")
    return wanted


def share_threads(options: Train, place: Place) -> int:
    """Sets and returns the compute threads of this process; "auto" divides the cores between those of the machine."""
    threads = max(1, cores() // place.local_processes) if options.threads == "auto" else options.threads
    torch.set_num_threads(threads)
    return threads


def make_fabric(place: Place, precision: str) -> Fabric:
    """Fabric for this process; the process group exists where there is more than one."""
    for name in ("lightning.fabric", "lightning.pytorch"):  # they announce what `choose_precision` has said
        logging.getLogger(name).setLevel(logging.WARNING)
    if place.processes == 1:
        return Fabric(accelerator="auto", devices=1, precision=precision)
    # Some encoders have parts that their decoder does not use, and DDP would wait for those parts' gradients.
    strategy = DDPStrategy(cluster_environment=_Launched(place), find_unused_parameters=True)
    accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    fabric = Fabric(
        accelerator=accelerator,
        devices=place.local_processes,
        num_nodes=place.nodes,
        strategy=strategy,
        precision=precision,
    )
    fabric.launch()
    return fabric


class _Launched(ClusterEnvironment):
    """Tells Fabric of processes that `run_processes` has started and joined to a group."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @property
    def creates_processes_externally(self) -> bool:
        return True

    @property
    def main_address(self) -> str:
        raise NotImplementedError("the process group exists already")

    @property
    def main_port(self) -> int:
        raise NotImplementedError("the process group exists already")

    @staticmethod
    def detect() -> bool:
        return False

    def world_size(self) -> int:
        return self._place.processes

    def set_world_size(self, size: int) -> None:
        pass  # it is known

    def global_rank(self) -> int:
        return self._place.process

    def set_global_rank(self, rank: int) -> None:
        pass  # it is known

    def local_rank(self) -> int:
        return self._place.local

    def node_rank(self) -> int:
        return self._place.node
