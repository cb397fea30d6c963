"""Trees and bushes with ragged edges and gaps: broad-leaved, conifers, palms, and bare ones down to the twigs."""

import cv2
import numpy as np

from src.data.synthesis.brushes import choose, jitter
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.noise import fbm, ramp
from src.data.synthesis.sky import Light

LEAVES = (
    ((0.03, 0.07, 0.02), (0.26, 0.38, 0.10)),
    ((0.03, 0.08, 0.03), (0.18, 0.32, 0.12)),
    ((0.05, 0.09, 0.02), (0.40, 0.48, 0.16)),
    ((0.04, 0.06, 0.03), (0.24, 0.27, 0.15)),
    ((0.14, 0.06, 0.02), (0.66, 0.36, 0.10)),
    ((0.16, 0.11, 0.02), (0.76, 0.60, 0.18)),
    ((0.10, 0.03, 0.03), (0.45, 0.16, 0.12)),
    ((0.16, 0.12, 0.14), (0.88, 0.74, 0.80)),
)
LEAF_WEIGHTS = np.array([6, 6, 5, 5, 1.2, 1.0, 0.6, 0.5]) / 25.3
BARK = ((0.22, 0.17, 0.13), (0.30, 0.27, 0.24), (0.16, 0.12, 0.10), (0.45, 0.42, 0.38))
TWIGS = 2600  # end branches of a bare tree at most


def crown(
    rng: np.random.Generator, height: int, width: int, light: Light, depth: float, *, loose: float, leaf: float
) -> tuple[np.ndarray, np.ndarray]:
    """A leafy crown made of overlapping clusters of leaves.

    Args:
        height, width: of the patch, in pixels.
        loose: 0 dense .. 1 many gaps.
        leaf: size of a leaf in pixels; below 1.5 leaves merge.

    Returns:
        Colour float32 [height, width, 3] and alpha float32 [height, width].
    """
    count = int(rng.integers(7, 16))
    angle, radius = rng.uniform(0, 2 * np.pi, count), np.sqrt(rng.random(count)) * 0.30
    size = rng.uniform(0.16, 0.30, count)
    x0, y0 = 0.5 + radius * np.cos(angle), 0.5 + radius * np.sin(angle)
    grid = (np.arange(32, dtype=np.float32) + 0.5) / 32
    dx = (grid[None, None, :] - x0[:, None, None]) / size[:, None, None]
    dy = (grid[None, :, None] - y0[:, None, None]) / size[:, None, None]
    bumps = 1 - dx**2 - dy**2
    owner = bumps.argmax(0)[None]
    shape = np.minimum(np.take_along_axis(bumps, owner, 0)[0], 0.7).astype(np.float32)
    # Every cluster is lit like a ball, from above and from the sun's side.
    lit = np.take_along_axis(0.45 * light.sun_side * dx - 0.55 * dy, owner, 0)[0].astype(np.float32)
    lit += np.float32(0.25) * (0.5 - grid)[:, None]
    tufts = fbm(rng, 32, 32, 5, octaves=3, gain=0.6)
    # The patch ends where the crown is already thin, so its rectangle never shows.
    rim = np.minimum(grid, 1 - grid)
    fading = np.clip(1 - np.minimum(rim[None, :], rim[:, None]) * np.float32(9), 0, 1) * np.float32(1.5)
    coarse = shape + np.float32(0.28) * tufts - fading - np.float32(0.12 + 0.5 * loose)
    glow = np.float32(0.45) + np.float32(0.34) * cv2.blur(lit, (3, 3)) + np.float32(0.07) * tufts
    smooth = cv2.resize(cv2.merge((coarse, glow)), (width, height), interpolation=cv2.INTER_LINEAR)
    coarse, glow = cv2.split(smooth)
    fine = fbm(rng, height, width, max(4 * leaf, 3), octaves=3, gain=0.9)
    field = coarse + np.float32(0.2 + 0.25 * loose) * fine
    field *= np.float32(np.clip(leaf * 2.2, 1.6, 6))
    field += np.float32(0.5)
    dark, bright = LEAVES[rng.choice(len(LEAVES), p=LEAF_WEIGHTS)]
    glow += np.float32(0.17) * fine
    colour = ramp(
        np.clip(glow, -0.05, 1.1), light.on(jitter(rng, dark, 0.2), depth), light.on(jitter(rng, bright, 0.15), depth)
    )
    return colour, np.clip(field, 0, 1)


def paint_tree(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, height: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a broad-leaved tree standing at (x, base), `height` pixels high."""
    wide = height * rng.uniform(0.5, 1.05)
    bark = light.on(jitter(rng, choose(rng, *BARK), 0.15), depth)
    fork = base - height * rng.uniform(0.25, 0.45)
    trunk = height * rng.uniform(0.012, 0.034)
    lean = rng.normal(0, 0.04) * height
    top = (x + lean, fork)
    canvas.polygon(
        np.array([(x - 1.4 * trunk, base), (top[0] - trunk, fork), (top[0] + trunk, fork), (x + 1.4 * trunk, base)]),
        bark,
    )
    ends = np.stack([rng.uniform(-0.3, 0.3, 5) * wide, -rng.uniform(0.15, 0.45, 5) * height], axis=1) + top
    canvas.lines([np.array([top, end]) for end in ends], max(trunk, 0.5), bark)
    h, w = max(int(height * 0.95), 4), max(int(wide * 1.15), 4)
    leaf = max(height * rng.uniform(0.005, 0.012), 0.6)
    patch, alpha = crown(rng, h, w, light, depth, loose=rng.uniform(0, 0.55), leaf=leaf)
    canvas.paint(patch, alpha, int(base - height * 1.06), int(top[0] - w / 2))


def paint_bush(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, height: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a bush or a hedge's piece around (x, base)."""
    h, w = max(int(height * 1.6), 4), max(int(height * rng.uniform(1.6, 3.5)), 4)
    patch, alpha = crown(rng, h, w, light, depth, loose=0.0, leaf=max(height * 0.03, 0.6))
    canvas.paint(patch, alpha, int(base - 1.15 * height), int(x - w / 2))


def paint_conifer(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, height: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a spruce or a cypress: a cone of drooping boughs."""
    wide = height * rng.uniform(0.18, 0.5)
    h, w = max(int(height), 6), max(int(wide * 1.3), 4)
    down = ((np.arange(h, dtype=np.float32) + 0.5) / h)[:, None]
    out = np.abs((np.arange(w, dtype=np.float32) + 0.5) / w - np.float32(0.5))[None, :] * np.float32(2.6)
    saw = (down * int(rng.integers(7, 16)) + np.float32(0.25) * np.sin(6 * out + np.float32(rng.uniform(0, 6)))) % 1
    fine = fbm(rng, h, w, max(h / 14, 2.5), octaves=4, gain=0.75)
    field = (down - 0.01) * (0.72 + 0.3 * saw) - out + 0.13 * fine * np.minimum(0.04 + 3 * down, 1.2)
    # The lowest boughs end raggedly, above the ground.
    field -= np.clip(12 * (down - 0.88), 0, None) * (0.75 + 0.3 * fine + 0.6 * out)
    alpha = np.clip(field * max(w / 4, 3) + 0.5, 0, 1).astype(np.float32)
    dark, bright = LEAVES[int(rng.integers(0, 4))]
    side = ((np.arange(w, dtype=np.float32) + 0.5) / w - 0.5)[None, :] * np.float32(light.sun_side)
    shade = np.clip(0.2 + 0.25 * saw + 0.3 * side + 0.13 * fine, -0.05, 1)
    lit = light.on(jitter(rng, np.array(bright) * 0.8, 0.15), depth)
    bark = light.on(BARK[0], depth)
    canvas.polygon(np.array([(x - 0.02 * height, base), (x, base - 0.5 * height), (x + 0.02 * height, base)]), bark)
    canvas.paint(ramp(shade, light.on(jitter(rng, dark, 0.2), depth), lit), alpha, int(base - height), int(x - w / 2))


def limbs(
    rng: np.random.Generator, starts: np.ndarray, length: float, angles: np.ndarray, thick: float, spread: float
) -> list[tuple[np.ndarray, float]]:
    """Branches of leafless trees, forked again and again; each generation is thinner and shorter.

    Args:
        starts: feet of the stems [n, 2], x and y in pixels.
        length, thick: of a stem, in pixels.
        angles: their directions [n] in radians; 0 points up.
        spread: standard deviation of the angle between a branch and the next generation's, radians.

    Returns:
        Polylines [m, 3, 2] and their thickness, a pair per generation, the stems first.
    """
    lengths = np.full(len(starts), length)
    found = []
    while True:
        bend = angles + rng.normal(0, 0.12, angles.shape)
        half = 0.5 * lengths[:, None]
        middle = starts + half * np.stack([np.sin(angles), -np.cos(angles)], axis=1)
        ends = middle + half * np.stack([np.sin(bend), -np.cos(bend)], axis=1)
        found.append((np.stack([starts, middle, ends], axis=1), thick))
        forks = 3 if len(found) in (1, 4, 5) else 2
        thick *= 0.58
        if len(starts) * forks > TWIGS or (thick < 0.12 and len(found) > 3) or lengths.max() < 2:
            return found
        from_end = rng.uniform(0.5, 1.0, (len(starts), forks))
        from_end[:, 0] = 1  # one of them goes on where the branch ends
        starts = (starts[:, None] + from_end[..., None] * (ends - starts)[:, None]).reshape(-1, 2)
        angles = (bend[:, None] + rng.normal(0, spread, from_end.shape)).ravel()
        lengths = (lengths[:, None] * rng.uniform(0.55, 0.85, from_end.shape)).ravel()


def paint_bare_tree(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, height: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a leafless tree, `height` pixels high; its last twigs are thinner than a pixel."""
    bark = light.on(jitter(rng, choose(rng, *BARK), 0.15) * rng.uniform(0.5, 1.0), depth)
    stem = height * rng.uniform(0.22, 0.32)
    for lines, thick in limbs(
        rng, np.array([(x, base)]), stem, rng.normal(0, 0.05, 1), height * rng.uniform(0.02, 0.045), 0.45
    ):
        canvas.lines(list(lines), thick, bark)


def paint_palm(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, height: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a palm: a slender stem and a tuft of fronds."""
    bark = light.on(jitter(rng, BARK[1], 0.15), depth)
    top = np.array([x + rng.normal(0, 0.08) * height, base - height * 0.85])
    canvas.lines(
        [np.array([(x, base), (0.5 * (top[0] + x) + 0.02 * height, 0.5 * (top[1] + base)), top])],
        max(height * 0.025, 0.6),
        bark,
    )
    green = light.on(jitter(rng, (0.16, 0.26, 0.08), 0.2), depth)
    t = np.linspace(0, 1, 7)
    for angle in rng.uniform(-2.2, 2.2, 15):
        reach = height * rng.uniform(0.22, 0.38)
        spine = np.stack([np.sin(angle) * t, -np.cos(angle) * t + 0.9 * t * t], axis=1) * reach + top
        width = 0.07 * reach * np.sin(np.pi * np.clip(t + 0.08, 0, 1))[:, None] * (0.3, 1.0)
        canvas.polygon(
            np.concatenate([spine - width, (spine + width)[::-1]]), green * np.float32(rng.uniform(0.5, 1.3))
        )


def paint_branches(rng: np.random.Generator, canvas: Canvas, light: Light) -> None:
    """Paints a branch that hangs into the picture from its upper border or a side, leafy or bare."""
    size = canvas.height * rng.uniform(0.4, 0.9)
    x = choose(rng, rng.uniform(-0.05, 0.25), rng.uniform(0.75, 1.05), rng.uniform(0, 1)) * canvas.width
    bark = light.on(choose(rng, *BARK)) * np.float32(rng.uniform(0.3, 0.7))
    if rng.random() < 0.45:
        angle = np.pi + (0.5 - x / canvas.width) * 1.8 + rng.normal(0, 0.5, 1)
        for lines, thick in limbs(rng, np.array([(x, -0.1 * size)]), 0.35 * size, angle, max(size * 0.02, 1.5), 0.4):
            canvas.lines(list(lines), thick, bark)
        return
    h, w = int(size), int(size * rng.uniform(1.0, 2.0))
    leaf = canvas.height * rng.uniform(0.006, 0.02)
    patch, alpha = crown(rng, h, w, light, 0.0, loose=rng.uniform(0.35, 0.8), leaf=leaf)
    top = -size * rng.uniform(0.35, 0.6)
    ends = rng.uniform(-0.4, 0.4, (6, 2)) * w + x
    twigs = [np.array([(a, top), (b, top + size * rng.uniform(0.5, 0.8))]) for a, b in ends]
    canvas.lines(twigs, max(size * 0.008, 0.7), bark)
    canvas.paint(patch, alpha, int(top), int(x - w / 2))


def paint_any_tree(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, height: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a tree of a random kind."""
    painter = choose(rng, paint_tree, paint_tree, paint_tree, paint_conifer, paint_bare_tree, paint_bare_tree)
    painter(rng, canvas, x, base, height, light, depth)
