"""Faults of a lens: where it puts the light (distortion, blur, drops) and what it adds to it (flare, glare, dirt).

What moves light between pixels moves the sky's alpha with it, so that the mask stays exact. What adds light to a
pixel, or takes it away, leaves the alpha as it is.
"""

import cv2
import numpy as np

from src.data.synthesis.noise import fbm, ramp, smoothstep


def project(
    image: np.ndarray, alpha: np.ndarray, width: int, height: int, degrees: float, bend: float
) -> tuple[np.ndarray, np.ndarray]:
    """Rolls picture and alpha about their middle, distorts them and crops to width x height, in one interpolation.

    Args:
        image: float32 [h, w, 3], large enough; see `canvas_size`.
        alpha: float32 [h, w].
        degrees: of roll.
        bend: radial distortion (the first term of Brown 1966): at the corners, points lie (1 + bend) times as far
            from the middle as they should. Above 0 pincushion, below 0 barrel, 0 none.
    """
    middle = (np.array(image.shape[1::-1]) - 1) / 2
    if not degrees and not bend and image.shape[:2] == (height, width):
        return image, alpha
    if not bend:
        matrix = cv2.getRotationMatrix2D(tuple(middle), degrees, 1.0)
        matrix[:, 2] += (np.array([width, height]) - 1) / 2 - middle
        warp = {"dsize": (width, height), "flags": cv2.INTER_LINEAR, "borderMode": cv2.BORDER_REPLICATE}
        return cv2.warpAffine(image, matrix, **warp), cv2.warpAffine(alpha, matrix, **warp)
    x = np.arange(width, dtype=np.float32)[None, :] - np.float32((width - 1) / 2)
    y = np.arange(height, dtype=np.float32)[:, None] - np.float32((height - 1) / 2)
    square = (x * x + y * y) * np.float32(4 / (width * width + height * height))
    # Scaled so that no point comes from outside the picture.
    ratio = (1 - np.float32(bend) * square) / np.float32(1 + max(-bend, 0.0))
    c, s = np.float32(np.cos(np.deg2rad(degrees))), np.float32(np.sin(np.deg2rad(degrees)))
    across = ratio * (c * x - s * y) + np.float32(middle[0])
    down = ratio * (s * x + c * y) + np.float32(middle[1])
    return tuple(
        cv2.remap(part, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for part in (image, alpha)
    )


def fringes(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Lateral chromatic aberration: red and blue are imaged a little larger or smaller than green."""
    height, width = image.shape[:2]
    red, green, blue = cv2.split(image)
    scale = rng.choice([-1, 1]) * rng.uniform(0.0008, 0.005)
    shifted = []
    for part, size in ((red, 1 + scale), (blue, 1 - scale * rng.uniform(0.3, 1.2))):
        matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 0, size)
        shifted.append(cv2.warpAffine(part, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE))
    return cv2.merge((shifted[0], green, shifted[1]))


def defocus(rng: np.random.Generator, image: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Out of focus (a disk), soft (a Gaussian), or enlarged from fewer pixels."""
    height, width = alpha.shape
    scale = height / 288
    match int(rng.integers(3)):
        case 0:
            radius = max(rng.gamma(1.5, 0.7) * scale, 0.6)
            side = 2 * int(np.ceil(radius)) + 1
            y, x = np.mgrid[:side, :side] - side // 2
            disk = np.clip(radius + 0.5 - np.hypot(x, y), 0, 1).astype(np.float32)
            disk /= disk.sum()
            return tuple(cv2.filter2D(p, -1, disk, borderType=cv2.BORDER_REPLICATE) for p in (image, alpha))
        case 1:
            sigma = max(rng.gamma(2.0, 0.5) * scale, 0.3)
            return tuple(cv2.GaussianBlur(p, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE) for p in (image, alpha))
    share = rng.uniform(0.3, 0.9)
    small = (max(int(width * share), 2), max(int(height * share), 2))
    way = cv2.INTER_CUBIC if rng.random() < 0.5 else cv2.INTER_LINEAR
    parts = (cv2.resize(part, small, interpolation=cv2.INTER_AREA) for part in (image, alpha))
    return tuple(cv2.resize(part, (width, height), interpolation=way) for part in parts)


def motion(rng: np.random.Generator, image: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The camera moved along a line during the exposure."""
    length = 2 + rng.gamma(1.5, 3.0) * alpha.shape[0] / 288
    side = 2 * int(np.ceil(length / 2)) + 3
    angle = rng.normal(0, 0.5) if rng.random() < 0.7 else rng.uniform(0, np.pi)
    reach = 0.5 * length * np.array([np.cos(angle), np.sin(angle)])
    path = np.zeros((side, side), np.uint8)
    ends = [tuple(round(16 * (side // 2 + s * v)) for v in reach) for s in (-1, 1)]
    cv2.line(path, *ends, 255, 1, cv2.LINE_AA, 4)
    kernel = path.astype(np.float32) / max(int(path.sum()), 1)
    return tuple(cv2.filter2D(part, -1, kernel, borderType=cv2.BORDER_REPLICATE) for part in (image, alpha))


def drops(rng: np.random.Generator, image: np.ndarray, alpha: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Water drops on the lens: each shows a small, blurred, inverted picture of what lies around it."""
    height, width = alpha.shape
    image, alpha = image.copy(), alpha.copy()
    for _ in range(int(rng.integers(1, 9))):
        radius = int(max(height * rng.gamma(2.0, 0.012), 3))
        if 2 * radius >= min(height, width):
            continue
        top, left = (int(rng.integers(0, side - 2 * radius)) for side in (height, width))
        y, x = (np.mgrid[: 2 * radius, : 2 * radius] - radius).astype(np.float32)
        power = np.float32(rng.uniform(1.5, 4))
        source_x, source_y = left + radius - power * x, top + radius - power * y
        inside = smoothstep(1 - np.hypot(x, y) / radius, 0.0, 0.35)
        rim = 1 - np.float32(0.35) * inside * (1 - inside) * 4
        for part in (image, alpha):
            patch = part[top : top + 2 * radius, left : left + 2 * radius]
            seen = cv2.remap(part, source_x, source_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            seen = cv2.GaussianBlur(seen, (0, 0), max(radius * 0.12, 0.3))
            share = inside if part.ndim == 2 else inside[..., None]
            patch += share * (seen - patch)
        image[top : top + 2 * radius, left : left + 2 * radius] *= rim[..., None]
    return image, alpha


def smudges(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Grease and dust on the glass, out of focus: they scatter light over the picture, or hold it back."""
    height, width = image.shape[:2]
    small = (height // 4 + 2, width // 4 + 2)
    film = smoothstep(fbm(rng, *small, max(small) * rng.uniform(0.05, 0.4), octaves=3, gain=0.4), 0.4, 2.2)
    specks = np.zeros(small, np.float32)
    for _ in range(int(rng.integers(0, 12))):
        centre = (int(rng.integers(small[1])), int(rng.integers(small[0])))
        cv2.circle(specks, centre, int(max(small[0] * rng.uniform(0.005, 0.04), 1)), rng.uniform(0.2, 1), -1)
    specks = cv2.GaussianBlur(specks, (0, 0), max(small[0] * 0.012, 0.5))
    film, specks = (cv2.resize(part, (width, height), interpolation=cv2.INTER_LINEAR) for part in (film, specks))
    veil = np.float32(rng.uniform(0.1, 0.5)) * film
    dark = 1 - veil - np.float32(rng.uniform(0.1, 0.5)) * specks
    lit = veil * np.float32(np.clip(image.mean() * rng.uniform(0.8, 1.6), 0, 1))
    return image * cv2.merge((dark, dark, dark)) + cv2.merge((lit, lit, lit))


def glare(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Highlights bleed over dark edges: a wide blur of the bright parts is added, and a veil over all."""
    small = cv2.resize(image, None, fx=0.125, fy=0.125, interpolation=cv2.INTER_AREA)
    bright = cv2.GaussianBlur(np.clip(small - 0.65, 0, 3), (0, 0), max(small.shape[0] * rng.gamma(2.0, 0.03), 0.5))
    bright += np.float32(rng.uniform(0, 0.3)) * bright.mean(axis=(0, 1))
    wide = cv2.resize(bright, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return image + wide * np.float32(rng.uniform(0.1, 0.6))


def flare(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Reflections between lens elements of the brightest spot, or of a lamp out of view: ghosts, veil and streaks."""
    height, width = image.shape[:2]
    small = cv2.GaussianBlur(cv2.resize(image, (32, 18), interpolation=cv2.INTER_AREA), (0, 0), 1)
    spot = np.array(np.unravel_index(int(small.sum(axis=2).argmax()), (18, 32))[::-1]) / (32, 18)
    in_view = small.max() > 0.9 and rng.random() < 0.5
    if not in_view:
        spot = rng.uniform(-0.2, 1.2, 2) * (1, 0.3)
    light = np.zeros((height // 2, width // 2, 3), np.float32)
    size = np.array(light.shape[1::-1])
    colour = np.array([1.0, 0.95, 0.85]) * rng.uniform(0.1, 0.6)
    for _ in range(int(rng.integers(0, 6))):
        at = 0.5 + (0.5 - spot) * rng.uniform(-0.6, 1.6)
        ghost = np.zeros(light.shape[:2], np.uint8)
        radius = max(int(size[1] * rng.uniform(0.01, 0.12)), 2)
        cv2.circle(ghost, tuple((at * size).astype(int).tolist()), radius, int(rng.uniform(60, 255)), -1, cv2.LINE_AA)
        ghost = cv2.GaussianBlur(ghost, (0, 0), max(radius * rng.uniform(0.05, 0.3), 0.4))
        hue = colour * np.clip(1 + rng.normal(0, 0.4, 3), 0.1, 2) * rng.uniform(0.2, 0.8)
        light += ramp(ghost.astype(np.float32), np.zeros(3), hue / 255)
    y, x = np.ogrid[: size[1], : size[0]]
    x, y = (x - spot[0] * size[0]).astype(np.float32), (y - spot[1] * size[1]).astype(np.float32)
    veil = np.exp(-np.hypot(x, y) / np.float32(size[0] * rng.uniform(0.08, 0.5)))
    if in_view and rng.random() < 0.5:  # the blades of the aperture make a star
        star = np.abs(np.cos(np.arctan2(y, x) * int(rng.integers(3, 8)) + rng.uniform(0, np.pi)))
        veil = veil * (1 + star ** np.float32(rng.uniform(20, 80)))
    light += ramp(veil, np.zeros(3), colour)
    return image + cv2.resize(light, (width, height), interpolation=cv2.INTER_LINEAR)


def vignette(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Brightness falls off towards the corners."""
    height, width = image.shape[:2]
    y, x = np.mgrid[-1:1:18j, -1:1:32j].astype(np.float32)
    x, y = x - np.float32(rng.normal(0, 0.05)), y - np.float32(rng.normal(0, 0.05))
    fall = 1 - np.float32(min(rng.gamma(2.0, 0.1), 0.75)) * np.clip((x**2 + y**2) / 2, 0, 1) ** rng.uniform(0.8, 2.0)
    shade = cv2.resize(fall.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return image * cv2.merge((shade, shade, shade))
