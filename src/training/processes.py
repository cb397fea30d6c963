"""The processes of a run: one per device, started and watched by the stage, on one machine or as part of several.

    dvc repro train                                       # train.devices: 2 starts two processes by itself
    NODE_RANK=0 MASTER_ADDR=host MASTER_PORT=29500 ...    # train.nodes: 2, on the first; NODE_RANK=1 on the second

On one machine the processes meet over a file in a folder of their own: no port to choose, so none that is taken.
On several they meet at MASTER_ADDR:MASTER_PORT, as with torchrun. The stage's own process trains nothing then: it waits
for messages and deaths, so that a process that dies, of whatever, ends the run with what it said last.
"""

import faulthandler
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from src.errors import UserError

MEETING = timedelta(minutes=30)  # for slow starts and long validations of one process; a death is noticed at once
LAST_WORDS = 5.0  # seconds in which the others may fail too, so that the first cause is told, not its echo
LEAVING = 60.0  # seconds that a process may take to exit once all have their results
TOLD_LINES = 15
INHERITED = {
    # Processes that share cores must not spin while they wait: GNU OpenMP's default slows both threefold.
    "OMP_WAIT_POLICY": "PASSIVE",
    # DDP warns in every run that looking for unused weights, which some nets need, costs a little.
    "TORCH_CPP_LOG_LEVEL": "ERROR",
}


@dataclass(frozen=True)
class Place:
    """Which of the processes this is: `node` of `nodes`, on it `local` of `local_processes`."""

    local: int = 0
    local_processes: int = 1
    node: int = 0
    nodes: int = 1

    @property
    def process(self) -> int:
        return self.node * self.local_processes + self.local

    @property
    def processes(self) -> int:
        return self.nodes * self.local_processes


ALONE = Place()


@dataclass(frozen=True)
class Cluster:
    """This machine among those of a run, and where the first one listens."""

    node: int = 0
    address: str | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str], nodes: int) -> "Cluster":
        """From NODE_RANK, MASTER_ADDR and MASTER_PORT, which are read for more than one node alone.

        Raises:
            UserError: one of them is missing or wrong.
        """
        if nodes == 1:
            return cls()
        names = ("NODE_RANK", "MASTER_ADDR", "MASTER_PORT")
        missing = [name for name in names if not environment.get(name)]
        node, host, port = (environment.get(name, "") for name in names)
        if missing or not (node.isdigit() and int(node) < nodes and port.isdigit()):
            raise UserError(
                f"train.nodes: {nodes}, but " + (f"{', '.join(missing)} not set" if missing else f"NODE_RANK={node}"),
                fix=f"set NODE_RANK to 0..{nodes - 1}, MASTER_ADDR and MASTER_PORT to a free port of the first node",
            )
        return cls(int(node), f"tcp://{host}:{port}")


@dataclass(frozen=True)
class _Failure:
    """How a process ended that should not have."""

    process: int
    error: UserError | None = None
    trace: str = ""
    when: float = 0.0  # by the clock that all processes share
    exit_code: int | None = None

    @property
    def how(self) -> str:
        if self.exit_code is None:
            return f"process {self.process} failed"
        if self.exit_code < 0:
            return f"process {self.process} was ended by {signal.Signals(-self.exit_code).name}"
        return f"process {self.process} ended with code {self.exit_code}"


def run_processes(
    work: Callable[..., Any], arguments: tuple, *, devices: int, nodes: int, cluster: Cluster, log: Callable
) -> Any:
    """Calls `work(*arguments, place=..., log=...)` in every process of a run; returns what the first one's returns.

    A run of one process is a plain call. Of several, each is a new interpreter (`work` and all it is given must be
    picklable); what the first one logs is logged here, and the output of the others goes to a file that is shown if
    they fail. When one ends too early all are ended, and when this process ends, however, so do they.

    Args:
        log: called with what the first process hands its own `log`.

    Raises:
        UserError: one of the processes raised it, or died.
        RuntimeError: one of them raised anything else.
    """
    if devices * nodes == 1:
        return work(*arguments, place=ALONE, log=log)
    with tempfile.TemporaryDirectory(prefix="skyseg-") as folder, _environment():
        address = cluster.address or f"file://{folder}/rendezvous"
        places = [Place(local, devices, cluster.node, nodes) for local in range(devices)]
        context = multiprocessing.get_context("spawn")
        children, pipes = [], []
        try:
            for place in places:
                ours, theirs = context.Pipe()
                said = None if place.local == 0 else Path(folder) / f"{place.local}.txt"
                child = context.Process(
                    target=_process, args=(work, arguments, place, address, theirs, said), name=f"train-{place.process}"
                )
                child.start()
                theirs.close()  # ours alone now, so that its death closes it
                children.append(child)
                pipes.append(ours)
            return _watch(places, children, pipes, Path(folder), log)
        finally:
            _end(children)


def _watch(places: list[Place], children: list, pipes: list[Connection], folder: Path, log: Callable) -> Any:
    """Handles messages until every process has delivered its result, or one has failed."""
    results: dict[int, Any] = {}
    failures: dict[int, _Failure] = {}
    at_work, ended, deadline = set(range(len(children))), set(), None
    while at_work and (deadline is None or time.monotonic() < deadline):
        for pipe in wait([pipes[local] for local in at_work], timeout=1.0):
            local = pipes.index(pipe)
            try:
                kind, content = pipe.recv()
            except EOFError:
                children[local].join()
                ended.add(local)
                continue
            if kind == "log":
                log(*content)
            elif kind == "result":
                results[local] = content
            else:
                failures[local] = _Failure(places[local].process, *content)
        # Not left to the pipe's end: loader processes of a dead one hold it open for seconds.
        for local in at_work - results.keys() - failures.keys():
            code = children[local].exitcode
            if code is not None and (local in ended or not pipes[local].poll()):
                failures[local] = _Failure(places[local].process, exit_code=code)
        at_work -= results.keys() | failures.keys()
        if failures and deadline is None:
            deadline = time.monotonic() + LAST_WORDS
    if failures:
        raise _explained(failures, folder)
    for pipe in pipes:
        pipe.send("leave")
    for child in children:
        child.join(LEAVING)
    return results[0]


def _explained(failures: dict[int, _Failure], folder: Path) -> Exception:
    """One error for all: of what the user can act on, else of a death, else of the exception that was first."""
    local, first = min(
        failures.items(), key=lambda item: (item[1].error is None, item[1].exit_code is None, item[1].when)
    )
    if first.error:
        return first.error
    others = [failure.how for failure in failures.values() if failure is not first]
    said = folder / f"{local}.txt"
    lines = said.read_text(encoding="utf-8", errors="replace").splitlines()[-TOLD_LINES:] if said.is_file() else []
    if first.exit_code is None:
        return RuntimeError(f"training {first.how}:\n{first.trace}" + "".join(f"\n(then {how})" for how in others))
    return UserError(
        f"training {first.how}" + "".join(f"; then {how}" for how in others),
        "\n       ".join(["it said last:", *lines]) if lines else "it said nothing before; memory may have run out",
        "the same command goes on from what was saved; if memory ran out, set train.batch_size lower",
    )


def _end(children: list) -> None:
    """Ends every process that still runs, and leaves no zombie."""
    for child in children:
        if child.is_alive():
            child.terminate()
    for child in children:
        child.join(10)
        if child.is_alive():
            child.kill()
        child.join()
        child.close()


@contextmanager
def _environment() -> Iterator[None]:
    """What new processes find there, unless the user has set it."""
    before = dict(os.environ)
    for name, value in INHERITED.items():
        os.environ.setdefault(name, value)
    try:
        yield
    finally:
        for name in INHERITED.keys() - before.keys():
            del os.environ[name]


def _process(
    work: Callable[..., Any], arguments: tuple, place: Place, address: str, pipe: Connection, said: Path | None
) -> None:
    """A process's whole life."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the stage too, which ends this one
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if said:
        with said.open("wb", buffering=0) as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
    faulthandler.enable()
    try:
        from torch import distributed

        _join(place, address)
        result = work(*arguments, place=place, log=partial(_log, pipe) if place.process == 0 else log_nothing)
        # Who leaves early closes its connections, on which another may still be waiting: for those of other nodes
        # there is the barrier, for those of this one the stage's word.
        distributed.barrier()
        pipe.send(("result", result))
        pipe.recv()
        distributed.destroy_process_group()
    except BaseException as error:
        known = error if isinstance(error, UserError) else None
        pipe.send(("failure", (known, traceback.format_exc(), time.monotonic())))
        sys.stdout.flush()
        os._exit(1)  # not through the finalizers of a process group whose others may be gone


def _log(pipe: Connection, *content: Any) -> None:
    pipe.send(("log", content))


def log_nothing(*_content: Any) -> None:
    """For who does not want to know."""


def _join(place: Place, address: str) -> None:
    """Makes the process group that Fabric then finds."""
    import torch

    if place.nodes == 1 and sys.platform == "linux":
        # Without this gloo looks the host's name up, which fails or takes long on some machines.
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(place.local)
    torch.distributed.init_process_group(
        "nccl" if cuda else "gloo",
        init_method=address,
        rank=place.process,
        world_size=place.processes,
        timeout=MEETING,
    )


def _end_with_parent() -> None:
    """The stage may be killed without a chance to end its processes; they notice and go."""
    wait([multiprocessing.parent_process().sentinel])
    os._exit(1)
