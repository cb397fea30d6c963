import sys

import numpy as np
import pytest

from src.runtime.video.cpu_clock import process_age_s
from src.runtime.video.stats import BusyTime, Durations, summarise


@pytest.mark.parametrize("spread", [0.01, 0.5, 2.0])
def test_percentiles_are_within_one_percent(spread):
    seconds = np.random.default_rng(0).lognormal(-5, spread, 5001)
    durations = Durations()
    for value in seconds:
        durations.add(float(value))
    assert len(durations) == len(seconds)
    for share in (0.0, 0.5, 0.95, 1.0):
        assert durations.percentile(share) == pytest.approx(np.quantile(seconds, share, method="lower"), rel=0.01)


def test_durations_of_nothing_and_of_one():
    durations = Durations()
    assert durations.percentile(0.5) == 0
    durations.add(0.0)
    assert durations.percentile(0.5) == pytest.approx(Durations.SHORTEST_S, rel=0.02), "shorter than any clock tells"
    one = Durations()
    one.add(0.02)
    assert one.percentile(0.5) == one.percentile(0.95) == pytest.approx(0.02, rel=0.01)


def test_a_run_of_weeks_takes_no_more_memory_than_one_of_seconds():
    durations = Durations()
    for exponent in np.linspace(-8, 4, 50_000):
        durations.add(10**exponent)
    assert len(durations._counts) < 1200
    assert sys.getsizeof(durations._counts) < 100_000


def test_busy_time_counts_overlaps_once():
    busy = BusyTime()
    assert busy.seconds == 0
    for start, end in [(0, 2), (1, 3), (1.5, 2), (5, 6), (5.2, 5.4)]:
        busy.add(start, end)
    assert busy.seconds == 4


def test_the_limit_is_every_core_at_work_all_the_time():
    wall = {step: Durations() for step in ("decode", "infer", "compose", "sink")}
    cpu = {"decode": 1.0, "infer": 2.0, "compose": 0.5, "sink": 0.1}
    stats = summarise(
        seconds=2.0, first_frame_s=0.1, frames=100, wall=wall, cpu=cpu, model_busy_s=1.0, cores=2, drops=3
    )
    assert (stats.fps, stats.model_fps, stats.drops) == (50, 100, 3)
    assert stats.share_of_limit == pytest.approx(0.9)
    assert stats.steps["infer"].cpu_ms == pytest.approx(20)


def test_a_process_grows_older():
    age = process_age_s()
    assert 0 < age < 1e6
    assert process_age_s() >= age
