"""Trees and bushes with ragged edges and gaps: broad-leaved, conifers, bare ones, overhanging branches."""

import cv2
import numpy as np

from src.data.synthesis.canvas import Canvas
from src.data.synthesis.noise import fbm, ramp
from src.data.synthesis.sky import Light
from src.data.synthesis.terrain import choose, jitter

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
    grid = (np.arange(32) + 0.5) / 32
    dx = (grid[None, None, :] - x0[:, None, None]) / size[:, None, None]
    dy = (grid[None, :, None] - y0[:, None, None]) / size[:, None, None]
    bumps = 1 - dx**2 - dy**2
    owner = bumps.argmax(0)[None]
    shape = np.take_along_axis(bumps, owner, 0)[0].astype(np.float32)
    # Every cluster is lit like a ball, from above and from the sun's side.
    lit = np.take_along_axis(0.45 * light.sun_side * dx - 0.55 * dy, owner, 0)[0].astype(np.float32)
    lit += np.float32(0.25) * (0.5 - grid.astype(np.float32))[:, None]
    shape = cv2.resize(shape, (width, height), interpolation=cv2.INTER_LINEAR)
    lit = cv2.resize(cv2.blur(lit, (3, 3)), (width, height), interpolation=cv2.INTER_LINEAR)
    fine = fbm(rng, height, width, max(4 * leaf, 3), octaves=4, gain=0.85)
    tufts = fbm(rng, height, width, max(width / 6, 4), octaves=3, gain=0.6)
    field = np.minimum(shape, 0.7) + 0.28 * tufts + (0.2 + 0.25 * loose) * fine - 0.12 - 0.5 * loose
    # The patch ends where the crown is already thin, so its rectangle never shows.
    rim = np.minimum(grid, 1 - grid).astype(np.float32)
    rim = cv2.resize(np.minimum(rim[None, :], rim[:, None]), (width, height), interpolation=cv2.INTER_LINEAR)
    field -= np.clip(1 - rim * np.float32(9), 0, 1) * np.float32(1.5)
    sharp = np.float32(np.clip(leaf * 2.2, 1.6, 6))
    alpha = np.clip(field * sharp + 0.5, 0, 1).astype(np.float32)
    dark, bright = LEAVES[rng.choice(len(LEAVES), p=LEAF_WEIGHTS)]
    shade = np.clip(0.45 + 0.34 * lit + 0.17 * fine + 0.07 * tufts, -0.05, 1.1)
    return ramp(shade, light.on(jitter(rng, dark, 0.2), depth), light.on(jitter(rng, bright, 0.15), depth)), alpha


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
    limbs = [
        np.array([top, (top[0] + dx * wide, fork - dy * height)])
        for dx, dy in zip(rng.uniform(-0.3, 0.3, 5), rng.uniform(0.15, 0.45, 5), strict=True)
    ]
    canvas.lines(limbs, max(int(trunk), 1), bark)
    h, w = max(int(height * 0.95), 4), max(int(wide * 1.15), 4)
    patch, alpha = crown(
        rng, h, w, light, depth, loose=rng.uniform(0, 0.55), leaf=max(height * rng.uniform(0.005, 0.012), 0.6)
    )
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
    out = np.abs((np.arange(w, dtype=np.float32) + 0.5) / w - np.float32(0.5))[None, :] * 2.6
    boughs = rng.integers(7, 16)
    saw = (down * boughs + 0.25 * np.sin(6 * out + rng.uniform(0, 6))) % 1
    fine = fbm(rng, h, w, max(h / 14, 2.5), octaves=4, gain=0.75)
    field = (down - 0.01) * (0.72 + 0.3 * saw) - out + 0.13 * fine * np.minimum(0.04 + 3 * down, 1.2)
    # The lowest boughs end raggedly, above the ground.
    field -= np.clip(12 * (down - 0.88), 0, None) * (0.75 + 0.3 * fine + 0.6 * out)
    alpha = np.clip(field * max(w / 4, 3) + 0.5, 0, 1).astype(np.float32)
    dark, bright = LEAVES[int(rng.integers(0, 4))]
    side = ((np.arange(w, dtype=np.float32) + 0.5) / w - 0.5)[None, :] * light.sun_side
    shade = np.clip(0.2 + 0.25 * saw + 0.3 * side + 0.13 * fine, -0.05, 1)
    patch = ramp(
        shade, light.on(jitter(rng, dark, 0.2), depth), light.on(jitter(rng, np.array(bright) * 0.8, 0.15), depth)
    )
    bark = light.on(BARK[0], depth)
    canvas.polygon(np.array([(x - 0.02 * height, base), (x, base - 0.5 * height), (x + 0.02 * height, base)]), bark)
    canvas.paint(patch, alpha, int(base - height), int(x - w / 2))


def paint_bare_tree(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, height: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a leafless tree by recursive forking; each generation of branches is thinner and shorter."""
    generations: dict[int, list[np.ndarray]] = {}
    thick = height * rng.uniform(0.025, 0.05)

    def grow(start: np.ndarray, angle: float, length: float, generation: int) -> None:
        bend = angle + rng.normal(0, 0.12)
        middle = start + 0.5 * length * np.array([np.sin(angle), -np.cos(angle)])
        end = middle + 0.5 * length * np.array([np.sin(bend), -np.cos(bend)])
        generations.setdefault(generation, []).append(np.array([start, middle, end]))
        if generation == 5:
            return
        for _ in range(3 if generation in (0, 4) else 2):
            grow(
                start + rng.uniform(0.55, 1.0) * (end - start),
                bend + rng.normal(0, 0.5),
                length * rng.uniform(0.6, 0.85),
                generation + 1,
            )

    grow(np.array([x, base]), rng.normal(0, 0.05), height * 0.3, 0)
    bark = light.on(jitter(rng, choose(rng, *BARK), 0.15) * 0.8, depth)
    for generation, lines in generations.items():
        canvas.lines(lines, max(int(thick * 0.55**generation), 1), bark)


def paint_branches(rng: np.random.Generator, canvas: Canvas, light: Light) -> None:
    """Paints leaves that hang into the picture from its upper border or a side."""
    size = canvas.height * rng.uniform(0.4, 0.9)
    x = choose(rng, rng.uniform(-0.05, 0.25), rng.uniform(0.75, 1.05), rng.uniform(0, 1)) * canvas.width
    h, w = int(size), int(size * rng.uniform(1.0, 2.0))
    leaf = canvas.height * rng.uniform(0.006, 0.02)
    patch, alpha = crown(rng, h, w, light, 0.0, loose=rng.uniform(0.35, 0.8), leaf=leaf)
    top = -size * rng.uniform(0.35, 0.6)
    twigs = [
        np.array([(x + a * w, top), (x + b * w, top + size * rng.uniform(0.5, 0.8))])
        for a, b in rng.uniform(-0.4, 0.4, (6, 2))
    ]
    canvas.lines(twigs, max(int(size * 0.008), 1), light.on(choose(rng, *BARK)) * np.float32(0.7))
    canvas.paint(patch, alpha, int(top), int(x - w / 2))


def paint_any_tree(
    rng: np.random.Generator, canvas: Canvas, x: float, base: float, height: float, light: Light, depth: float = 0.0
) -> None:
    """Paints a tree of a random kind."""
    painter = choose(rng, paint_tree, paint_tree, paint_tree, paint_conifer, paint_bare_tree)
    painter(rng, canvas, x, base, height, light, depth)
