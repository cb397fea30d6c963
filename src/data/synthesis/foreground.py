"""What comes between the camera and everything else: branches, wires, poles, fences, flyers, window frames."""

from collections.abc import Mapping

import numpy as np

from src.data.synthesis.brushes import box, choose, jitter
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.flyers import paint_aircraft, paint_birds
from src.data.synthesis.noise import ramp
from src.data.synthesis.sky import Sky
from src.data.synthesis.skyline import paint_pylon
from src.data.synthesis.things import paint_pole
from src.data.synthesis.trees import paint_branches


def paint_foreground(
    rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float, chances: Mapping[str, float]
) -> None:
    """Paints each thing of FOREGROUND with its chance, 0..1 by name."""
    for name, paint in FOREGROUND.items():
        if rng.random() < chances[name]:
            paint(rng, canvas, sky, horizon)


def branches(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """One or two branches that hang into the picture."""
    for _ in range(choose(rng, 1, 1, 2)):
        paint_branches(rng, canvas, sky.light)


def wires(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """Overhead lines in shallow parabolas (close to catenaries), side by side or fanning out, at times with birds."""
    h, w = canvas.height, canvas.width
    y0, y1 = rng.uniform(-0.1, 0.5, 2) * h
    gap, sag = rng.uniform(0.008, 0.06) * h, rng.uniform(0.0, 0.12) * h
    fan = rng.uniform(0.3, 1.8)
    t = np.linspace(0, 1, 24)
    middle = y0 + (y1 - y0) * t + 4 * sag * t * (1 - t)
    lines = [np.stack([t * w, middle + k * gap * (1 + (fan - 1) * t)], axis=1) for k in range(int(rng.integers(1, 9)))]
    thick, dark = rng.uniform(0.4, 2.0) * h / 288, sky.light.on(np.full(3, rng.uniform(0.03, 0.25)))
    canvas.lines(lines, thick, dark)
    if rng.random() < 0.2:
        for share in rng.random(int(rng.integers(1, 12))):
            x, y = share * w, np.interp(share, t, lines[0][:, 1])
            canvas.polygon(box(x, y - 0.008 * h, 0.005 * h, 0.008 * h), dark)


def poles(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """Lamp posts, traffic lights, masts close by, or a pylon with its lines."""
    h, w = canvas.height, canvas.width
    ground = min(horizon + 0.02 * h, 1.05 * h)  # no foot hangs in the sky
    if rng.random() < 0.15:
        foot = max(h * rng.uniform(0.7, 1.1), ground)
        paint_pylon(rng, canvas, rng.random() * w, foot, h * rng.uniform(0.5, 1.2), sky.light)
        return
    for _ in range(choose(rng, 1, 1, 2, 3)):
        left, foot = rng.random() * w, max(h * rng.uniform(0.8, 1.2), ground)
        paint_pole(rng, canvas, left, foot, h * rng.uniform(0.4, 1.4), sky.light)


def fence(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """Palings, a railing or wire mesh across the picture, from its lower border up to any height."""
    h, w = canvas.height, canvas.width
    top, foot = h * rng.uniform(0.2, 0.85), 1.05 * h
    slope = rng.normal(0, 0.1) * h
    tone = sky.light.on(
        jitter(rng, choose(rng, (0.1, 0.1, 0.1), (0.45, 0.33, 0.22), (0.85, 0.85, 0.83), (0.5, 0.5, 0.52)), 0.15)
    )
    kind = choose(rng, "palings", "railing", "mesh")
    step = (
        h
        * {"palings": rng.uniform(0.03, 0.1), "railing": rng.uniform(0.02, 0.06), "mesh": rng.uniform(0.02, 0.06)}[kind]
    )
    x = np.arange(-h, w + h, step)
    y = top + slope * (x / w - 0.5)
    if kind == "mesh":
        lines = [np.array([(a, b), (a + s * (foot - b), foot)]) for a, b in zip(x, y, strict=True) for s in (-1, 1)]
        canvas.lines([*lines, np.stack([x, y], axis=1)], rng.uniform(0.4, 1.5) * h / 288, tone)
        return
    half = step * (rng.uniform(0.2, 0.45) if kind == "palings" else rng.uniform(0.06, 0.15))
    for a, b in zip(x, y, strict=True):
        canvas.polygon(
            np.array([(a - half, b), (a, b - half), (a + half, b), (a + half, foot), (a - half, foot)]), tone
        )
    for share in (0.15, 0.7):
        canvas.lines([np.stack([x, y + share * (foot - y)], axis=1)], max(step * 0.25, 1.0), tone * np.float32(0.85))


def birds(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """A flock or one bird."""
    paint_birds(rng, canvas, horizon, sky.light)


def aircraft(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """An aircraft, far or so near that it fills the picture."""
    paint_aircraft(rng, canvas, horizon, sky.light)


def window(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """The scene through an opening in a dark or a pale wall: a window with bars, an arch, a windscreen."""
    h, w = canvas.height, canvas.width
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) + np.float32(0.5)
    kind = choose(rng, "window", "arch", "windscreen")
    x0, x1 = rng.uniform(0.03, 0.25) * w, rng.uniform(0.75, 0.97) * w
    y0, y1 = rng.uniform(0.0, 0.2) * h, rng.uniform(0.75, 1.1) * h
    if kind == "windscreen":
        y0, y1 = rng.uniform(-0.1, 0.1) * h, rng.uniform(0.75, 0.92) * h
        lean = (y - y0) * np.float32(rng.uniform(0.1, 0.35))
        inside = np.minimum(
            np.minimum(x - x0 * 0.6 + lean, w - x0 * 0.6 + lean - x),
            np.minimum(y - y0, y1 + 0.05 * h * np.cos(x / w * 6) - y),
        )
    else:
        inside = np.minimum(np.minimum(x - x0, x1 - x), np.minimum(y - y0, y1 - y))
    if kind == "arch":
        r = np.float32(0.5 * (x1 - x0))
        middle = np.float32(y0 + r)
        inside = np.where(
            y < middle, np.minimum(r - np.hypot(x - 0.5 * (x0 + x1), y - middle), inside + r), inside
        ).astype(np.float32)
    alpha = np.clip(0.5 - inside, 0, 1)
    tone = jitter(rng, choose(rng, (0.03, 0.03, 0.03), (0.2, 0.18, 0.16), (0.85, 0.84, 0.8), (0.45, 0.35, 0.28)), 0.2)
    # Inside it is darker than out; the reveal next to the opening catches some light.
    lit = np.float32(rng.uniform(0.15, 0.7)) * (1 + 0.8 * np.exp(np.minimum(inside, 0) / np.float32(0.03 * h)))
    canvas.paint(ramp(lit, np.zeros(3), sky.light.on(tone)), alpha)
    if kind == "window":
        bar = rng.uniform(0.006, 0.02) * h
        columns, rows = int(rng.integers(0, 4)), int(rng.integers(0, 4))
        for i in range(1, columns + 1):
            canvas.polygon(box(x0 + (x1 - x0) * i / (columns + 1), h / 2, bar, h), sky.light.on(tone) * np.float32(0.4))
        for i in range(1, rows + 1):
            canvas.polygon(box(w / 2, y0 + (y1 - y0) * i / (rows + 1), w, bar), sky.light.on(tone) * np.float32(0.4))
    elif kind == "windscreen" and rng.random() < 0.6:
        mirror = box(w * rng.uniform(0.4, 0.6), y0 + 0.08 * h, 0.11 * w, 0.05 * h)
        canvas.polygon(mirror, sky.light.on((0.04, 0.04, 0.04)))


FOREGROUND = {
    "branches": branches,
    "wires": wires,
    "pole": poles,
    "fence": fence,
    "birds": birds,
    "aircraft": aircraft,
    "window": window,
}
ALOFT = ("birds", "aircraft", "window")
