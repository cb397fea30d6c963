"""What both commands need: the engine, the window, the progress bar, the summary."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from src.errors import UserError
from src.files import write_whole
from src.runtime.options import saves

if TYPE_CHECKING:
    from src.runtime.engines.base import Engine
    from src.runtime.interrupts import Interrupts
    from src.runtime.video.look import Look
    from src.runtime.video.new_sky import NewSky
    from src.runtime.video.stats import RunStats
    from src.runtime.video.window import Window


def shows(options: argparse.Namespace) -> bool:
    """Whether to open a window: if asked to, or if nothing is saved; not without a display, if something is saved.

    Raises:
        UserError: nothing is saved and there is no display.
    """
    saved = saves(options)
    if saved and not options.show:
        return False
    from src.runtime.video.window import Window

    if reason := Window.unavailable():
        if not saved:
            what = "cannot open a window" if options.show else "nothing to do with the result"
            raise UserError(what, reason, "add --save OUT or --save-masks DIR" + (" and drop --show" * options.show))
        print(f"note: --show: {reason}; what is saved is saved all the same", file=sys.stderr, flush=True)
        return False
    return True


def open_engine_for(options: argparse.Namespace, pipelined: bool) -> "Engine":
    """The engine of the options, announced in a line; `pipelined`: several inferences in flight."""
    from src.hardware import cores
    from src.runtime.engines import requests_for_video
    from src.runtime.report import model_line, say
    from src.runtime.segmenter import open_engine_or_built

    threads = options.threads or cores()
    engine = open_engine_or_built(
        options.engine,
        backend=options.backend,
        precision=options.precision,
        threads=threads,
        requests=requests_for_video(threads) if pipelined else 1,
    )
    if not options.quiet:
        say(model_line(engine.info))
    return engine


def open_new_sky(options: argparse.Namespace, engine: "Engine", open_things: ExitStack) -> "NewSky | None":
    """What --sky names, closed by `open_things`; None without it."""
    from src.runtime.video.compositing import open_sky

    sky = open_sky(options, engine)
    return None if sky is None else open_things.enter_context(sky)


def make_window(
    name: Path | str,
    look: "Look",
    interrupts: "Interrupts",
    *,
    fps: float | None = None,
    hold: bool = False,
    saved: Path | None = None,
) -> "Window":
    """The window, whose keys change `look` unless what they change is `saved`."""
    from src.runtime.video.window import Window

    fixed = f"the view stays as {saved.name} is saved" if saved else ""
    return Window(Path(name).name, fps, hold, look, fixed, interrupts)


@contextmanager
def progress(total: int | None, unit: str, quiet: bool) -> Iterator[Callable[[], None]]:
    """A bar with the rate and the time left, on stderr; gives what to call after each unit."""
    from tqdm import tqdm

    hidden = quiet or sys.stderr is None
    with tqdm(total=total, unit=f" {unit}", disable=hidden, dynamic_ncols=True, leave=False, file=sys.stderr) as bar:
        yield lambda: bar.update() and None


def raise_unless_interrupted(problem: UserError, interrupted: bool) -> None:
    """Raises it; after Ctrl-C, whose exit code counts then, it is only told."""
    if not interrupted:
        raise problem
    print(problem, file=sys.stderr, flush=True)


def report(options: argparse.Namespace, stats: "RunStats", unit: str, notes: Sequence[str]) -> None:
    """Writes --stats-json and, unless --quiet, the summary."""
    from src.runtime.report import say, summary

    if options.stats_json:
        write_whole(options.stats_json, (json.dumps(stats.to_dict(), indent=2) + "\n").encode())
    if not options.quiet:
        say(summary(stats, unit, notes))
