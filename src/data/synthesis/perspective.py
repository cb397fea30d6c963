"""A pinhole camera over flat ground: what makes streets, roads and flights converge, in pictures and in clips alike."""

from dataclasses import dataclass

import cv2
import numpy as np

from src.data.synthesis.canvas import Canvas
from src.data.synthesis.noise import fbm
from src.data.synthesis.sky import Light

NEAR = 0.8  # metres; what is nearer to the camera is cut off
FAR = 400.0  # metres; over this distance the air's whole haze is seen through
END = 10 * FAR  # metres; ground is painted so far, less than a pixel short of the horizon


@dataclass(frozen=True)
class View:
    """Where the camera stands and what it sees. World axes in metres: x right, y up, z forward.

    Attributes:
        focal: focal length in pixels.
        middle: column of the vanishing point of the z axis.
        horizon: its row.
        x, eye, z: the camera's position; `eye` is its height above the ground.
    """

    focal: float
    middle: float
    horizon: float
    x: float = 0.0
    eye: float = 1.6
    z: float = 0.0

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels [N, 2] of world points [N, 3] that lie in front of the camera."""
        points = np.asarray(points, np.float64)
        scale = self.focal / (points[:, 2] - self.z)
        return np.stack(
            [self.middle + (points[:, 0] - self.x) * scale, self.horizon + (self.eye - points[:, 1]) * scale], axis=1
        )

    def scale(self, z: float) -> float:
        """Pixels per metre at depth z."""
        return self.focal / max(z - self.z, NEAR)

    def depth(self, z: float) -> float:
        """Share of the air's haze, 0..1, that a thing at depth z is seen through."""
        return float(np.clip((z - self.z) / FAR, 0, 1))


@dataclass(frozen=True)
class Panel:
    """An upright rectangle of texture from the ground points `start` to `end`, each (x, z), as seen from the camera.

    Attributes:
        texture: float32 [h, w, 3]; its left border stands at `start`.
        foot, top: its height above the ground in metres.
    """

    texture: np.ndarray
    start: tuple[float, float]
    end: tuple[float, float]
    foot: float
    top: float


def paint_panel(canvas: Canvas, view: View, panel: Panel) -> None:
    """Paints a panel by a homography; the part behind the camera is cut off."""
    (x0, z0), (x1, z1) = panel.start, panel.end
    near = view.z + NEAR
    if max(z0, z1) <= near:
        return
    # Shares of the panel's length between which it lies in front of the camera.
    first, last = 0.0, 1.0
    if z0 < near:
        first = (near - z0) / (z1 - z0)
    if z1 < near:
        last = (near - z0) / (z1 - z0)
    ends = [(x0 + t * (x1 - x0), z0 + t * (z1 - z0)) for t in (first, last)]
    (left, left_z), (right, right_z) = ends
    corners = view.project(
        np.array(
            [
                (left, panel.top, left_z),
                (right, panel.top, right_z),
                (right, panel.foot, right_z),
                (left, panel.foot, left_z),
            ]
        )
    )
    wide = panel.texture.shape[1]
    a = min(int(first * wide), wide - 1)
    seen = panel.texture[:, a : max(int(np.ceil(last * wide)), a + 1)]
    visible = np.clip(corners, -1, (canvas.width + 1, canvas.height + 1))
    if np.ptp(visible[:, 0]) < 0.3 or np.ptp(visible[:, 1]) < 0.3:
        return
    canvas.quad(seen, corners)


def paint_polygon(canvas: Canvas, view: View, points: np.ndarray, colour: np.ndarray) -> None:
    """Paints a flat polygon of world points [N, 3]; the part behind the camera is cut off (Sutherland-Hodgman 1974)."""
    near, points = view.z + NEAR, np.asarray(points, np.float64)
    kept = []
    for a, b in zip(points, np.roll(points, -1, axis=0), strict=True):
        if a[2] >= near:
            kept.append(a)
        if (a[2] < near) != (b[2] < near):
            kept.append(a + (near - a[2]) / (b[2] - a[2]) * (b - a))
    if len(kept) > 2:
        canvas.polygon(view.project(np.array(kept)), colour)


def paint_strip(
    canvas: Canvas, view: View, x: tuple[float, float], z: tuple[float, float], colour: np.ndarray, y: float = 0.0
) -> None:
    """Paints a rectangle that lies at height y between columns x and depths z, in metres."""
    paint_polygon(canvas, view, np.array([(x[0], y, z[0]), (x[1], y, z[0]), (x[1], y, z[1]), (x[0], y, z[1])]), colour)


def paint_lane(canvas: Canvas, view: View, x: tuple[float, float], colour: np.ndarray, stop: float = END) -> None:
    """Paints a strip from behind the camera to the depth `stop`; see `fade` for the haze."""
    paint_strip(canvas, view, x, (view.z + stop, view.z), colour)


def fade(ground: Canvas, view: View, light: Light, stop: float = END) -> None:
    """Lays the air's haze over flat ground painted down to the depth `stop`: row by row, the farther the more.

    Args:
        ground: a layer of its own, since its first row, covered in part, would else be a dark line along the sky.
    """
    first = int(np.clip(np.floor(view.horizon + view.eye * view.focal / stop), 0, ground.height))
    rows = np.arange(first, ground.height, dtype=np.float32) + np.float32(0.5 - view.horizon)
    if rows.size:
        veil = light.veil(np.clip(view.eye * view.focal / np.maximum(rows, 0.5) / FAR, 0, 1)).astype(np.float32)
        veil = veil[:, None, None]
        ground.image[first:] *= 1 - veil
        ground.image[first:] += veil * ground.cover[first:, :, None] * light.air.astype(np.float32)


def lay_ground(canvas: Canvas, ground: Canvas, view: View, light: Light, tile: np.ndarray, stop: float = END) -> None:
    """Lays flat ground, painted on a layer of its own down to the depth `stop`, over the picture, rough and in haze."""
    roughen(ground, view, tile, 0.09)
    fade(ground, view, light, stop)
    canvas.lay(ground)


def mirrored(at: np.ndarray, size: int) -> np.ndarray:
    """Coordinates folded into 0..size, to and fro, so that a texture that is repeated shows no seam."""
    return np.abs(at % np.float32(2 * size) - np.float32(size))


def grain(rng: np.random.Generator) -> np.ndarray:
    """Unevenness of a piece of ground, float32 [256, 256], zero mean."""
    return fbm(rng, 256, 256, 48, octaves=7, gain=0.8)


def roughen(canvas: Canvas, view: View, tile: np.ndarray, amount: float) -> None:
    """Lays grain (see `grain`) on everything painted below the horizon: tarmac, slabs and grass are not of one tone.

    It lies still in the world, at two scales, so it passes below a camera that moves.
    """
    first = int(np.clip(np.ceil(view.horizon), 0, canvas.height))
    rows = np.arange(first, canvas.height, dtype=np.float32)[:, None] + np.float32(0.5 - view.horizon)
    if rows.size < 2:
        return
    ahead = np.float32(view.eye * view.focal) / np.maximum(rows, np.float32(0.5))
    side = (np.arange(canvas.width, dtype=np.float32)[None, :] - np.float32(view.middle)) * (
        ahead / np.float32(view.focal)
    )
    shade = np.ones(side.shape, np.float32)
    for metres, weight in ((0.02, 1.0), (0.3, 0.7)):  # side of one pixel of the tile
        u = (side + np.float32(view.x)) / np.float32(metres)
        v = mirrored((ahead + np.float32(view.z % (512 * metres))) / np.float32(metres), 256)
        at = (mirrored(u, 256), np.ascontiguousarray(np.broadcast_to(v, u.shape)))
        texture = cv2.remap(tile, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        # Far off a picture's row covers many rows of the tile: what would alias fades out.
        fine = 1 / (1 + (0.3 * ahead / (rows * np.float32(metres))) ** 2)
        shade += texture * (np.float32(amount * weight) * fine)
    canvas.image[first:] *= np.clip(shade, 0.4, 1.6)[..., None]
