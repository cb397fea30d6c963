"""What a run says at its end."""

from src.runtime.report import summary
from src.runtime.video.stats import RunStats, StepStats


def test_the_summary_tells_rate_limit_drops_memory_and_each_step():
    steps = {
        name: StepStats(p50_ms=number + 0.25, p95_ms=number + 5, cpu_ms=number + 0.5)
        for number, name in enumerate(("decode", "infer", "compose", "sink"))
    }
    stats = RunStats(120, 4.0, 30.0, 35.0, 0.93, 7, 321.4, 0.456, steps)
    head, columns, *rows, note = summary(stats, "frames", ["saved: out.mp4"]).splitlines()
    for part in (
        "120 frames in 4.00 s",
        "30.0 FPS",
        "93% of what the cores allow",
        "7 dropped",
        "first after 0.46 s",
        "321 MiB",
    ):
        assert part in head
    assert columns.split() == ["step", "p50", "ms", "p95", "ms", "CPU", "ms"]
    assert [row.split() for row in rows] == [
        ["decode", "0.25", "5.00", "0.50"],
        ["infer", "1.25", "6.00", "1.50"],
        ["compose", "2.25", "7.00", "2.50"],
        ["sink", "3.25", "8.00", "3.50"],
    ]
    assert note == "saved: out.mp4"
    still = RunStats(120, 4.0, 30.0, 35.0, 0.93, 0, 321.4, 0.456, steps)
    assert "dropped" not in summary(still, "frames", [])
