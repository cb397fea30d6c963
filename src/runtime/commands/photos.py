"""--images: a mask, a matte or a composed picture for each photo."""

import argparse
from contextlib import ExitStack
from dataclasses import replace
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
    from src.runtime.video.stats import RunStats


def segment_images(options: argparse.Namespace, began: float) -> "RunStats":
    """Segments the photos of --images into the outputs asked for.

    Args:
        began: `time.perf_counter` when the command was started, from which `first_frame_s` counts.

    Raises:
        UserError: photos that could not be read, by name; the others are done by then.
    """
    from src.runtime.interrupts import heeding_interrupts
    from src.runtime.photo_plan import plan_photos
    from src.runtime.photos import segment_photos
    from src.runtime.segmenter import SkySegmenter
    from src.runtime.tables import share_columns
    from src.runtime.video.compositing import look_of, make_compositor
    from src.runtime.video.outputs import is_transparent, open_table, refuse_places, saved_notes

    show = shows(options)
    plan = plan_photos(
        options.images,
        masks=options.save_masks,
        mattes=options.alpha,
        pictures=options.save,
        naming=options.mask_naming,
        transparent=is_transparent(options),
        limit=options.max_frames,
        sky=options.sky,
    )
    refuse_places(options, {photo.path.resolve() for photo in plan.photos})
    with ExitStack() as open_things:
        engine = open_things.enter_context(open_engine_for(options, pipelined=False))
        card = engine.info.card
        if options.mask_naming == "colmap" and not card.binary:
            raise UserError(f"--mask-naming colmap: {card.name} has {len(card.classes) - 1} classes, not the sky alone")
        sky = open_new_sky(options, engine, open_things)
        interrupts = open_things.enter_context(heeding_interrupts())  # outputs are finished within it
        look = look_of(options, card, switchable=show and not options.save)
        window = None
        if show:
            window = make_window(options.images, look, interrupts, hold=True, saved=options.save)
            open_things.enter_context(window)
        table = open_table(options, ["photo", *share_columns(card), "infer_ms"], open_things)
        with progress(len(plan.photos), "photo", options.quiet) as advance:
            run = segment_photos(
                plan.photos,
                SkySegmenter(engine, threshold=options.threshold, refine=options.refine),
                compositor=lambda width, height: make_compositor(
                    options, card, width, height, look=look, sky=sky, follow=False
                ),
                for_colmap=options.mask_naming == "colmap",
                window=window,
                table=table,
                on_photo=advance,
                began=began,
            )
    stats = replace(run.stats, interrupted=interrupts.requested)
    report(options, stats, "photos", plan.notes + saved_notes(options))
    if unreadable := plan.unreadable + run.unreadable:
        problem = UserError(
            f"{len(unreadable)} of {len(plan.photos) + len(plan.unreadable)} cannot be read, and have no mask",
            "\n       ".join(f"{path}: {why}" for path, why in unreadable),
            "mend, convert (to .jpg or .png) or remove them; the others are done" if stats.frames else "",
        )
        raise_unless_interrupted(problem, stats.interrupted)
    return stats
