"""Towns seen from afar: towers, slabs, domes, spires, chimneys and cranes against the sky."""

import numpy as np

from src.data.synthesis.brushes import box, choose, ellipse, jitter
from src.data.synthesis.buildings import ROOFS, WALLS, facade
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.sky import Light


def paint_town(
    rng: np.random.Generator,
    canvas: Canvas,
    base: float,
    height: float,
    light: Light,
    air: np.ndarray,
    depth: float,
    *,
    towers: float = 0.2,
) -> None:
    """Paints a row of buildings standing on row `base`.

    Args:
        height: of the tallest, in pixels.
        air: colour [3] that windows reflect.
        depth: of air they are seen through, 0..1.
        towers: share of high-rises among them, 0..1.
    """
    x, step = -rng.uniform(0, 0.1) * canvas.width, rng.uniform(0.12, 0.3)
    start, stop = sorted(rng.uniform(-0.6, 1.6, 2) * canvas.width) if rng.random() < 0.4 else (-np.inf, np.inf)
    textures = [facade(rng, 8, 5, light, air, depth, 16.0) for _ in range(3)] if height > 30 else []
    while x < canvas.width:
        high_rise = rng.random() < towers
        tall = height * (rng.uniform(0.5, 1.0) if high_rise else np.clip(rng.lognormal(-1.4, 0.4), 0.08, 0.6))
        wide = max(height * step * rng.uniform(0.5, 1.6) * (0.8 if high_rise else 1.3), 3)
        if start < x < stop:
            colour = light.on(jitter(rng, choose(rng, *WALLS), 0.12) * rng.uniform(0.6, 1.0), depth)
            body = box(x + wide / 2, base - tall / 2, wide / 2, tall / 2)
            if textures and tall > 22 and wide > 12:
                storeys, columns = (int(np.clip(side / 7, 1, most)) for side, most in ((tall, 8), (wide, 5)))
                texture = choose(rng, *textures)
                canvas.quad(
                    texture[: 16 * storeys, : texture.shape[1] * columns // 5] * np.float32(rng.uniform(0.8, 1.15)),
                    body,
                )
                if rng.random() < 0.5:  # the side in the shade
                    canvas.polygon(box(x + wide * 0.9, base - tall / 2, wide * 0.1, tall / 2), colour * np.float32(0.5))
            else:
                canvas.polygon(body, colour)
            _top(rng, canvas, x, base - tall, wide, height, light, colour, depth)
        x += wide * rng.uniform(0.85, 1.3)
    if rng.random() < 0.35:
        for _ in range(int(rng.integers(1, 4))):
            paint_crane(
                rng, canvas, rng.uniform(0, 1) * canvas.width, base, height * rng.uniform(0.6, 1.3), light, depth
            )


def _top(
    rng: np.random.Generator,
    canvas: Canvas,
    x: float,
    top: float,
    wide: float,
    height: float,
    light: Light,
    colour: np.ndarray,
    depth: float,
) -> None:
    """What a building ends in: a spire, a dome, a pitched roof, a smaller storey, a mast, a chimney, or nothing."""
    kind = choose(rng, "", "", "spire", "dome", "roof", "roof", "step", "mast", "chimney")
    middle, roof = x + wide / 2, light.on(jitter(rng, choose(rng, *ROOFS)), depth)
    if kind == "spire":
        point = height * rng.uniform(0.1, 0.5)
        w = min(wide / 2, point * 0.25)
        canvas.polygon(box(middle, top - 0.15 * point, w, 0.15 * point), colour)
        canvas.polygon(
            np.array([(middle - w, top - 0.3 * point), (middle, top - point), (middle + w, top - 0.3 * point)]), roof
        )
    elif kind == "dome":
        r = min(wide / 2, height * 0.2)
        dome = ellipse(middle, top, r, r * rng.uniform(0.8, 1.2))
        canvas.polygon(np.minimum(dome, (np.inf, top + 1)), roof)
        canvas.lines([np.array([(middle, top - r), (middle, top - 1.6 * r)])], max(r * 0.1, 0.6), roof)
    elif kind == "roof":
        rise, inset = height * rng.uniform(0.04, 0.15), wide * choose(rng, 0.5, rng.uniform(0, 0.3))
        canvas.polygon(
            np.array([(x, top), (x + inset, top - rise), (x + wide - inset, top - rise), (x + wide, top)]), roof
        )
    elif kind == "step":
        canvas.polygon(
            box(middle, top, wide * rng.uniform(0.2, 0.4), height * rng.uniform(0.03, 0.12)), colour * np.float32(0.9)
        )
    elif kind == "mast":
        canvas.lines(
            [np.array([(middle, top), (middle, top - height * rng.uniform(0.1, 0.4))])], max(height / 200, 0.5), roof
        )
    elif kind == "chimney":
        tall, w = height * rng.uniform(0.05, 0.5), max(wide * 0.08, 1)
        canvas.polygon(box(x + wide * rng.random(), top - tall / 2, w, tall / 2), roof)


def paint_crane(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, height: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a tower crane: a lattice mast, a jib and its stays."""
    colour = light.on(
        jitter(rng, choose(rng, (0.75, 0.6, 0.1), (0.7, 0.15, 0.1), (0.6, 0.6, 0.6), (0.2, 0.2, 0.22))), depth
    )
    side, top = choose(rng, -1, 1), base - height
    thick = max(height * 0.012, 0.6)
    reach, w = side * height * rng.uniform(0.5, 0.9), height * 0.012
    rungs = np.linspace(base, top, max(int(height / 6), 4))
    lattice = np.stack([x + w * np.where(np.arange(len(rungs)) % 2, 1, -1), rungs], axis=1)
    jib = top + 0.08 * height
    canvas.lines(
        [lattice, np.array([(x - w, base), (x - w, top)]), np.array([(x + w, base), (x + w, top)])], 0.5 * thick, colour
    )
    canvas.lines([np.array([(x - 0.3 * reach, jib), (x + reach, jib)])], thick, colour)
    stays = [np.array([(x, top - 0.02 * height), (x + share * reach, jib)]) for share in (-0.3, 0.5, 0.9)]
    hook = x + reach * rng.uniform(0.3, 0.9)
    canvas.lines([*stays, np.array([(hook, jib), (hook, jib + height * rng.uniform(0.1, 0.5))])], 0.4 * thick, colour)
    canvas.polygon(box(x - 0.27 * reach, jib + 0.02 * height, 0.04 * height, 0.025 * height), colour * np.float32(0.5))


def paint_pylon(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, height: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a lattice pylon with its cross arms and the lines it carries across the picture."""
    colour = light.on(np.full(3, rng.uniform(0.15, 0.6)), depth)
    thick, top = max(height * 0.006, 0.45), base - height
    levels = np.linspace(0, 1, 9)
    half = height * (0.1 * (1 - levels) ** 1.5 + 0.012)
    y = base - levels * height
    legs = [np.stack([x + side * half, y], axis=1) for side in (-1, 1)]
    alternate = np.where(np.arange(9) % 2, 1, -1)
    canvas.lines([*legs, np.stack([x + alternate * half, y], 1), np.stack([x - alternate * half, y], 1)], thick, colour)
    lines, t = [], np.linspace(0, 1, 16)
    for level, reach in ((0.04, 0.12), (0.16, 0.2), (0.3, 0.15)):
        for side in (-1, 1):
            tip = np.array([x + side * reach * height, top + level * height])
            canvas.lines([np.array([(x, tip[1] - 0.03 * height), tip, (x, tip[1])])], thick, colour)
            for way, far in ((-1, 1.0), (1, 0.6)):
                end = tip + np.array([way * canvas.width, height * (0.25 * far)])
                lines.append(tip + (end - tip) * t[:, None] + np.stack([0 * t, 0.5 * height * t * (1 - t)], axis=1))
    canvas.lines(lines, 0.6 * thick, colour)
