"""--video: one video or several, one after another, into the outputs asked for."""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from src.errors import UserError
from src.runtime.commands.common import (
    make_window,
    open_engine_for,
    open_new_sky,
    progress,
    raise_unless_interrupted,
    report,
    shows,
)

if TYPE_CHECKING:
    from src.runtime.engines.base import Engine
    from src.runtime.interrupts import Interrupts
    from src.runtime.video.source import Source
    from src.runtime.video.sources.inputs import VideoInput
    from src.runtime.video.sources.selection import Selection
    from src.runtime.video.stats import RunStats


@dataclass
class _Played:
    """What came of one video; `quit`: the user closed the window."""

    stats: "RunStats"
    notes: list[str]
    quit: bool


def play_videos(options: argparse.Namespace, began: float) -> "RunStats":
    """Plays the videos of --video. Of several, those that cannot be read are passed over, and named at the end.

    Args:
        began: `time.perf_counter` when the command was started, from which `first_frame_s` counts.

    Raises:
        UserError: an output cannot be written; or, after the others are done, a video that cannot be read; or a stream
            dropped for good, and what was saved of it until then is complete.
    """
    from src.runtime.interrupts import heeding_interrupts
    from src.runtime.video.source import open_source
    from src.runtime.video.sources.inputs import find_videos
    from src.runtime.video.stats import summed

    outputs, unreadable = [folder for folder in (options.save, options.save_masks, options.alpha) if folder], []
    videos = find_videos(options.video, outputs, unreadable)
    plans = _plan_outputs(options, videos)
    show, runs, notes, lost = shows(options), [], [], None
    refused = [UserError(f"{folder}: cannot be looked into", why) for folder, why in unreadable]
    with ExitStack() as open_things:
        engine = None
        for plan in plans:
            try:
                source = open_source(plan.video, _selection(plan), plan.reconnect)
            except UserError as error:
                refused.append(error)
                continue
            with source:
                # After the first video was opened: what is wrong with it is told before the model is loaded.
                engine = engine or open_things.enter_context(open_engine_for(options, pipelined=not source.live))
                plan.max_frames = options.max_frames and options.max_frames - sum(run.frames for run in runs)
                with heeding_interrupts() as interrupts:  # outputs are finished within it
                    played = _play(plan, source, engine, show, interrupts, began if not runs else None)
            # Ctrl-C may have come after the last frame, as the outputs were finished.
            runs.append(replace(played.stats, interrupted=interrupts.requested))
            notes += played.notes
            lost = source.lost
            full = options.max_frames and played.stats.frames >= plan.max_frames
            if interrupts.requested or played.quit or full:
                break
    looked_at = len(plans) + len(unreadable)
    if not runs:
        raise refused[0] if looked_at == 1 else _all_of(refused, looked_at, "mend or remove them")
    total = summed(runs)
    report(options, total, "frames", notes)
    if lost:
        raise_unless_interrupted(lost, total.interrupted)
    elif refused:
        problem = _all_of(refused, looked_at, "mend or remove them; the others are done")
        raise_unless_interrupted(problem, total.interrupted)
    return total


def _all_of(refused: Sequence[UserError], looked_at: int, fix: str) -> UserError:
    """One error that names everything passed over."""
    each = (": ".join(part for part in (error.what, error.why) if part) for error in refused)
    return UserError(f"{len(refused)} of {looked_at} cannot be played", "\n       ".join(each), fix)


def _play(
    options: argparse.Namespace,
    source: "Source",
    engine: "Engine",
    show: bool,
    interrupts: "Interrupts",
    began: float | None,
) -> _Played:
    from src.runtime.postprocess import PostProcessor
    from src.runtime.video.compositing import look_of, make_compositor
    from src.runtime.video.outputs import open_outputs
    from src.runtime.video.pipeline import PREVIEW_FPS, play

    with ExitStack() as open_things:
        card, compositor, window = engine.info.card, None, None
        postprocess = PostProcessor(
            card,
            source.width,
            source.height,
            threshold=options.threshold,
            refine=options.refine,
            smooth=options.smooth,
        )
        sky = open_new_sky(options, engine, open_things)
        look = look_of(options, card, switchable=show and not options.save)
        if options.save or show:
            compositor = make_compositor(options, card, source.width, source.height, look=look, sky=sky)
        outputs = open_things.enter_context(open_outputs(options, source, card, compositor))
        saving = bool(outputs.sinks)
        if show:
            pace = None if saving or source.live else source.fps
            window = open_things.enter_context(make_window(source.name, look, interrupts, fps=pace, saved=options.save))
        counts = [count for count in (options.max_frames, source.frame_count) if count]
        with progress(min(counts, default=None), "frame", options.quiet) as advance:
            stats = play(
                source,
                engine,
                postprocess=postprocess,
                compositor=compositor,
                sinks=outputs.sinks,
                window=window,
                max_frames=options.max_frames,
                batch=options.batch or 1,
                shown_fps=PREVIEW_FPS if saving else None,
                on_frame=advance,
                began=began,
            )
    notes = [*outputs.notes, *_about_batch(options.batch or 1, source.live)]
    if source.ended_early:
        notes.append(source.ended_early)
    return _Played(stats, notes, window is not None and window.quit)


def _selection(options: argparse.Namespace) -> "Selection":
    from src.runtime.video.sources.selection import Selection

    return Selection(options.start or 0.0, options.end, options.stride or 1, options.fps, options.loop or 1)


def _plan_outputs(options: argparse.Namespace, videos: "Sequence[VideoInput]") -> list[argparse.Namespace]:
    """The options of each video: its own outputs below the folders asked for, if there are several.

    Raises:
        UserError: a file where a folder is needed, or what `refuse_video_outputs` refuses.
    """
    from src.runtime.video.outputs import is_transparent, refuse_video_outputs
    from src.runtime.video.sources.inputs import SUFFIXES, mirrored
    from src.runtime.video.writer import ALPHA_SUFFIX

    plans = [argparse.Namespace(**vars(options) | {"video": video.given}) for video in videos]
    if videos[0].below is not None:
        film = ALPHA_SUFFIX if is_transparent(options) else None
        for option, suffix in (("save", film), ("save_masks", ""), ("alpha", ""), ("csv", ".csv")):
            folder = getattr(options, option)
            if folder is None:
                continue
            if folder.is_file() or folder.suffix.lower() in (*SUFFIXES, ".csv"):
                name = f"--{option.replace('_', '-')} {folder}"
                raise UserError(f"{name}: several videos are saved into a folder, not a file", fix="name a folder")
            for plan, name in zip(plans, mirrored(videos, suffix), strict=True):
                setattr(plan, option, folder / name)
    inputs = {Path(video.given).resolve() for video in videos if Path(video.given).is_file()}
    for plan in plans:
        refuse_video_outputs(plan, inputs)
    return plans


def _about_batch(batch: int, live: bool) -> list[str]:
    if batch == 1:
        return []
    if live:
        return [f"note: --batch {batch}: left out, a live source is shown frame by frame"]
    return [f"note: --batch {batch}: a frame's mask waits for the {batch - 1} after it"]
