"""The land as an aircraft sees it: a patchwork of fields, woods and roads under haze that fades into the sky."""

from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from src.data.synthesis.brushes import choose, jitter
from src.data.synthesis.canvas import Canvas
from src.data.synthesis.noise import fbm, ramp, smoothstep
from src.data.synthesis.perspective import View, mirrored
from src.data.synthesis.scenery import ridges
from src.data.synthesis.sky import Light, Sky
from src.data.synthesis.terrain import GROUNDS, RIDGES

TILE = 384  # pixels of the map's side
CLIMATES = {
    "farm": (("grass", "grass", "field", "dry grass", "soil"), "forest"),
    "dry": (("dry grass", "field", "sand", "soil"), "heath"),
    "bush": (("grass", "dry grass", "grass"), "forest"),
    "winter": (("snow", "snow", "gravel"), "heath"),
    "autumn": (("dry grass", "field", "soil"), "autumn"),
    "town": (("paving", "gravel", "grass"), "forest"),
}


@dataclass(frozen=True)
class Land:
    """A map of the ground, repeated in all directions.

    Attributes:
        maps: float32 [TILE, TILE, 3] each, lit by the sky: as it is, and blurred for views from farther off.
        metres: side of one map pixel.
        streaks: float32 [h, w], brightness around 1 of the land so far off that only streaks are left of it.
        veil: haze at the horizon, 0..1.
        thin: how far off the haze begins; 1 evenly, larger only far off.
    """

    maps: tuple[np.ndarray, ...]
    metres: float
    streaks: np.ndarray
    veil: float
    thin: float


def build_land(rng: np.random.Generator, light: Light) -> Land:
    """Draws a map: fields, woods, roads, houses, a runway, water."""
    fields, wood = CLIMATES[choose(rng, *CLIMATES)]
    low, high = (light.on(jitter(rng, c, 0.12)) for c in GROUNDS[fields[0]])
    grain = fbm(rng, TILE, TILE, TILE / 4, octaves=8, gain=0.75)
    picture = ramp(np.clip(0.5 + 0.18 * grain, 0, 1), low, high)
    for _ in range(int(rng.integers(4, 30))):
        shape = cv2.boxPoints(
            (rng.uniform(0, TILE, 2), TILE * rng.uniform(0.05, 0.35, 2), float(choose(rng, 20, 20, 65)))
        )
        tones = GROUNDS[choose(rng, *fields)]
        tone = light.on(jitter(rng, np.mean(tones, axis=0) * rng.uniform(0.7, 1.2), 0.15))
        cv2.fillPoly(picture, [shape.astype(np.int32)], tone.tolist(), cv2.LINE_AA)
    picture *= (1 + np.float32(0.1) * grain)[..., None]
    woods = fbm(rng, TILE, TILE, TILE / rng.uniform(2, 8), octaves=6, gain=0.65)
    crowns = fbm(rng, TILE, TILE, 9, octaves=4, gain=0.9)
    cover = smoothstep(woods + 0.25 * crowns, (edge := rng.uniform(-0.6, 1.3)), edge + 0.2)
    low, high = (light.on(jitter(rng, c, 0.15)) for c in RIDGES[wood])
    picture = cv2.blendLinear(ramp(np.clip(0.4 + 0.25 * crowns, 0, 1), low, high), picture, cover, 1 - cover)
    _build_on(rng, picture, light)
    if rng.random() < 0.15:
        lake = smoothstep(fbm(rng, TILE, TILE, TILE / 2, octaves=4), 0.9, 0.95)
        shine = np.broadcast_to(0.8 * light.air.astype(np.float32), picture.shape).copy()
        picture = cv2.blendLinear(shine, picture, lake, 1 - lake)
    maps = (picture, cv2.blur(picture, (7, 7)), cv2.blur(picture, (31, 31)))
    hazy = rng.random() < 0.35
    veil = 1 - np.exp(-light.haze * rng.uniform(0.5, 1.5) * (2 if hazy else 1))
    streaks = fbm(rng, TILE, TILE, TILE / 10, octaves=6, gain=0.9, stretch=3)
    streaks = np.clip(1 + np.float32(rng.uniform(0.08, 0.35)) * streaks, 0.3, 1.7)
    return Land(maps, rng.uniform(1.0, 2.5), streaks, float(min(veil, 0.93)), rng.uniform(1.0, 3.0))


def _build_on(rng: np.random.Generator, picture: np.ndarray, light: Light) -> None:
    """Draws roads, a runway and groups of houses onto the map."""
    pale = light.on(jitter(rng, choose(rng, (0.7, 0.66, 0.58), (0.4, 0.4, 0.4)), 0.2)).tolist()
    for _ in range(int(rng.integers(0, 5))):
        ends = rng.uniform(0, TILE, (2, 2)).astype(int)
        cv2.line(picture, ends[0].tolist(), ends[1].tolist(), pale, int(rng.integers(1, 4)), cv2.LINE_AA)
    if rng.random() < 0.35:
        grey = light.on(np.full(3, rng.uniform(0.15, 0.4)))
        x = int(rng.uniform(0.35, 0.65) * TILE)
        cv2.rectangle(picture, (x - 30, 0), (x + 30, 250), light.on(jitter(rng, (0.5, 0.42, 0.2), 0.15)).tolist(), -1)
        cv2.rectangle(picture, (x - 9, 10), (x + 9, 230), grey.tolist(), -1)
        for y in range(20, 220, 16):
            cv2.line(picture, (x, y), (x, y + 7), light.on((0.85, 0.85, 0.82)).tolist(), 1)
    for _ in range(int(rng.integers(0, 5))):
        middle = rng.uniform(0, TILE, 2)
        for x, y in rng.normal(middle, TILE * rng.uniform(0.03, 0.12), (int(rng.integers(4, 30)), 2)).astype(int):
            roof = choose(rng, (0.9, 0.9, 0.9), (0.5, 0.25, 0.18), (0.45, 0.45, 0.47), (0.75, 0.7, 0.62))
            w, h = rng.integers(2, 7, 2)
            cv2.rectangle(picture, (x, y), (x + int(w), y + int(h)), light.on(roof).tolist(), -1)


def paint_land(canvas: Canvas, view: View, land: Land, light: Light, heading: float = 0.0) -> None:
    """Paints the ground below the horizon; `heading` turns the camera to the right, radians."""
    first = int(np.floor(view.horizon))
    start = max(first, 0)
    high, wide = canvas.height - start, canvas.width
    if high < 2:
        return
    rows = np.maximum(np.arange(start, canvas.height, dtype=np.float32) + 0.5 - np.float32(view.horizon), 0.25)[:, None]
    ahead = (view.eye * view.focal / rows).astype(np.float32)
    right = (np.arange(wide, dtype=np.float32)[None, :] + 0.5 - np.float32(view.middle)) * (
        ahead / np.float32(view.focal)
    )
    c, s, scale = np.cos(heading), np.sin(heading), 1 / land.metres
    u = right * np.float32(c * scale) + np.float32(s * scale) * ahead + np.float32(view.x * scale % (2 * TILE))
    v = ahead * np.float32(c * scale) - np.float32(s * scale) * right + np.float32(view.z * scale % (2 * TILE))
    # Map pixels per picture row: what would alias is taken from a blurred map.
    foot = (ahead[:, 0] / rows[:, 0]) * np.float32(scale)
    streaks = np.repeat(np.clip(foot / 40, 0, 1)[:, None], wide, axis=1)
    limits = [0, int((foot > 14).sum()), int((foot > 3).sum()), high]
    colour = np.empty((high, wide, 3), np.float32)
    for level, (a, b) in enumerate(pairwise(limits)):
        if a < b:
            source = land.maps[2 - level]
            colour[a:b] = cv2.remap(
                source,
                mirrored(u[a:b], TILE),
                mirrored(v[a:b], TILE),
                cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REPLICATE,
            )
    # Farthest off, where the map would repeat, fields seen edge-on are streaks.
    at = (
        np.broadcast_to(np.arange(wide, dtype=np.float32) * np.float32(TILE / wide), u.shape),
        np.broadcast_to(np.log(rows) * np.float32(TILE / 8), u.shape),
    )
    seen = cv2.remap(land.streaks, *map(np.ascontiguousarray, at), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    colour = cv2.blendLinear(ramp(seen, np.zeros(3), land.maps[2].mean((0, 1))), colour, streaks, 1 - streaks)
    nearness = np.clip(rows / (0.35 * canvas.height), 0, 1)
    veil = np.repeat(np.float32(land.veil) * np.exp(-nearness * np.float32(4 * land.thin)), wide, axis=1)
    air = np.broadcast_to(light.air.astype(np.float32), colour.shape)
    colour = cv2.blendLinear(np.ascontiguousarray(air), colour, veil, 1 - veil)
    alpha = np.ones((high, wide), np.float32)
    if first >= 0:
        alpha[0] = 1 - (view.horizon - first)
    canvas.paint(colour, alpha, start, 0)


def flight(rng: np.random.Generator, canvas: Canvas, sky: Sky, horizon: float) -> None:
    """Land from the air, hills or a coast on the horizon, now and then a wing or the nose of the aircraft."""
    h, w = canvas.height, canvas.width
    kind = choose(rng, "plain", "plain", "hills", "hills", "mountains")
    if kind != "plain":
        tall = h * (rng.uniform(0.05, 0.22) if kind == "mountains" else rng.uniform(0.01, 0.09))
        ridges(
            rng, canvas, sky, horizon + 0.2 * tall, int(rng.integers(1, 3)), tall, ("forest", "heath", "forest", "rock")
        )
    land = build_land(rng, sky.light)
    view = View(
        focal=rng.uniform(0.5, 1.1) * w,
        middle=rng.uniform(0.3, 0.7) * w,
        horizon=horizon,
        x=rng.uniform(0, 900),
        z=rng.uniform(0, 900),
        eye=float(np.exp(rng.uniform(3.0, 6.0))),
    )
    paint_land(canvas, view, land, sky.light, rng.uniform(0, 2 * np.pi))
    if rng.random() < 0.2:
        _airframe(rng, canvas, sky)


def _airframe(rng: np.random.Generator, canvas: Canvas, sky: Sky) -> None:
    """A wing from a side, or the nose with a turning propeller."""
    h, w = canvas.height, canvas.width
    colour = sky.light.on(
        jitter(rng, choose(rng, (0.92, 0.92, 0.92), (0.6, 0.62, 0.65), (0.8, 0.2, 0.15), (0.2, 0.22, 0.25)), 0.1)
    )
    if rng.random() < 0.5:
        side, root, tip = choose(rng, -1, 1), rng.uniform(0.4, 1.0) * h, rng.uniform(0.2, 0.9) * h
        x0, x1 = (0, w * rng.uniform(0.3, 0.8)) if side < 0 else (w, w * rng.uniform(0.2, 0.7))
        chord = h * rng.uniform(0.1, 0.35)
        wing = np.array([(x0, root), (x1, tip), (x1, tip + 0.3 * chord), (x0, root + chord)])
        canvas.polygon(wing, colour)
        canvas.polygon(
            np.array([wing[0] * 0.3 + wing[3] * 0.7, wing[1] * 0.3 + wing[2] * 0.7, wing[2], wing[3]]),
            colour * np.float32(0.7),
        )
        return
    x = np.linspace(-1, 1, w)
    cowl = (h * rng.uniform(0.75, 0.95) + 0.5 * h * (x - rng.normal(0, 0.1)) ** 2 * rng.uniform(0.5, 2)).astype(
        np.float32
    )
    outline = np.concatenate([np.stack([np.arange(w), cowl], 1)[::8], [(w, 2 * h), (0, 2 * h)]])
    canvas.polygon(outline, colour)
    blade, angle = np.array([(0, -0.02), (0.6, -0.04), (1, 0), (0.6, 0.04), (0, 0.02)]) * 0.7 * h, rng.uniform(0, np.pi)
    for turn in (angle, angle + np.pi):
        spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        canvas.polygon(blade @ spin + (w / 2, float(cowl.min())), sky.light.on((0.1, 0.1, 0.1)))
