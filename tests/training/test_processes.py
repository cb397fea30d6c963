"""Several processes: what they compute is what one would, and none dies unheard or stays behind."""

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import torch
from torch import nn

from src.errors import UserError
from src.models.zoo import NetworkSpec, Segmenter
from src.training.fit import Plan, train_process
from src.training.processes import ALONE, Cluster, Place, run_processes
from src.training.resume import Store
from tests.prepared import loss_weights, model_options, train_options
from tests.training.runs import LONG, start


def everywhere(work, *arguments, log=print):
    return run_processes(work, arguments, devices=2, nodes=1, cluster=Cluster(), log=log)


class Small(nn.Module):
    """A net whose norms look at one image each, so that how a batch is shared out does not matter to them."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1)
        )
        self.extra = nn.Conv2d(3, 1, 1)  # an auxiliary head

    def forward(self, pixels):
        main = self.layers(pixels)
        return (main, self.extra(pixels)) if self.training else main


def train_small(plan, *, place, log):
    """`train_process` with that net; in every process, so by a patch of its own."""
    NetworkSpec.build = lambda spec, _weights=None: Segmenter(Small(), spec.mean, spec.std)
    return train_process(plan, place=place, log=log)


@pytest.fixture
def plan_of(prepared, tmp_path, monkeypatch):
    monkeypatch.setattr(NetworkSpec, "build", NetworkSpec.build)  # undoes the patch in this process

    def make(name, **changes):
        loss = loss_weights(cross_entropy=1.0, dice=1.0, focal=1.0, boundary=1.0).model_dump()
        options = train_options(optimizer="sgd", lr=0.05, weight_decay=0.01, loss=loss, ema=0.9, **changes)
        into = tmp_path / name
        store = Store(into / "work")
        outputs = (into / "c.ckpt", into / "train.csv")
        return Plan(prepared, model_options(), options, "32-true", store, *outputs, released=into / "none")

    return make


def test_two_processes_learn_what_one_learns_from_the_same_global_batch(plan_of):
    one, two = plan_of("one", batch_size=4), plan_of("two", batch_size=2)
    logged = []
    alone = train_small(one, place=ALONE, log=lambda *_: None)
    together = everywhere(train_small, two, log=lambda *figures: logged.append(figures))
    assert together["val"] == pytest.approx(alone["val"], abs=1e-5)
    ours, theirs = (torch.load(plan.checkpoint, weights_only=True)["weights"] for plan in (one, two))
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], atol=1e-5, rtol=0)
    rows = [plan.store.load()[0].history for plan in (one, two)]
    for ours, theirs in zip(*rows, strict=True):
        assert theirs["train_loss"] == pytest.approx(ours["train_loss"], abs=1e-5)
    assert [step for _, step in logged] == [3, 6, 9]  # the ends of epochs, once


def tell(*, place, log):
    log({"loss": 1.0}, place.process)
    return place.process, torch.distributed.get_world_size(), os.environ["OMP_WAIT_POLICY"], os.getpid()


def refuse(*, place, log):
    if place.process == 1:
        raise UserError("no such thing", "it is not there", "make it")
    torch.distributed.barrier()


def stumble(*, place, log):
    if place.process == 1:
        raise ValueError("a defect")
    torch.distributed.barrier()


def die(*, place, log):
    print("these are my last words", flush=True)
    if place.process == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    torch.distributed.barrier()


def test_the_first_ones_result_and_log_come_back(monkeypatch):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    logged = []
    process, world, policy, pid = everywhere(tell, log=lambda *content: logged.append(content))
    assert (process, world, policy) == (0, 2, "PASSIVE")
    assert logged == [({"loss": 1.0}, 0)]
    assert not psutil.pid_exists(pid)
    assert "OMP_WAIT_POLICY" not in os.environ


@pytest.mark.parametrize(
    ("work", "error", "says"),
    [
        (refuse, UserError, "no such thing"),
        (stumble, RuntimeError, "ValueError: a defect"),
        (die, UserError, "process 1 was ended by SIGKILL"),
    ],
)
def test_a_process_that_ends_too_early_ends_the_run_and_says_why(work, error, says):
    with pytest.raises(error, match=says) as caught:
        everywhere(work)
    if work is die:
        assert "these are my last words" in caught.value.why
    left = [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]
    assert left == []
    assert psutil.STATUS_ZOMBIE not in [child.status() for child in psutil.Process().children()]


WAITING = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from tests.training.test_processes import everywhere, wait_long
everywhere(wait_long, sys.argv[1])
"""


def wait_long(folder, *, place, log):
    torch.distributed.barrier()
    (Path(folder) / f"{place.process}.pid").write_text(str(os.getpid()))
    time.sleep(10 * LONG)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_no_process_outlives_the_stage(tmp_path, how):
    child = start(WAITING, tmp_path, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + LONG
    while len(pids := [path.read_text() for path in tmp_path.glob("*.pid")]) < 2 or not all(pids):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    child.send_signal(how)
    child.wait(LONG)
    while any(psutil.pid_exists(int(pid)) for pid in pids):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_one_process_is_a_plain_call():
    found = run_processes(
        lambda *, place, log: (place, os.getpid()), (), devices=1, nodes=1, cluster=Cluster(), log=print
    )
    assert found == (ALONE, os.getpid())


def test_places_count_through_the_nodes():
    place = Place(local=1, local_processes=4, node=2, nodes=3)
    assert (place.process, place.processes) == (9, 12)


def test_a_node_finds_the_others_by_the_usual_variables():
    usual = {"NODE_RANK": "1", "MASTER_ADDR": "host", "MASTER_PORT": "29500"}
    assert Cluster.of(usual, 2) == Cluster(1, "tcp://host:29500")
    assert Cluster.of({}, 1) == Cluster()
    with pytest.raises(UserError, match="MASTER_ADDR, MASTER_PORT not set"):
        Cluster.of({"NODE_RANK": "0"}, 2)
    with pytest.raises(UserError, match="NODE_RANK=2"):
        Cluster.of(usual | {"NODE_RANK": "2"}, 2)


def free_port() -> int:
    """Below the range from which systems hand ports out by themselves, so that nobody takes it before it is used."""
    for port in range(20000 + os.getpid() % 5000, 30000):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no port is free")


NODE = """
import os, sys
from src.training.processes import Cluster, run_processes
from tests.training.test_processes import tell
result = run_processes(tell, (), devices=1, nodes=2, cluster=Cluster.of(os.environ, 2), log=lambda *_: None)
print(*result[:2])
"""


def test_two_nodes_meet_over_tcp():
    usual = os.environ | {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port()), "GLOO_SOCKET_IFNAME": "lo"}
    nodes = [start(NODE, stdout=subprocess.PIPE, env=usual | {"NODE_RANK": str(node)}) for node in range(2)]
    assert [node.communicate(timeout=LONG)[0].split() for node in nodes] == [["0", "2"], ["1", "2"]]
