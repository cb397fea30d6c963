"""The picture under construction: colours, and how much of each pixel something other than sky covers."""

import cv2
import numpy as np

from src.data.synthesis.noise import ramp

# Coverage is counted in so many parts of a pixel either way: cv2's own anti-aliasing is a pixel too wide, snaps level
# edges to whole rows, and knows lines of 1.4 and 3.5 pixels alone.
PARTS = 4
SUBPIXEL_BITS = 4  # cv2 draws in fixed point, here 1/16 of a part


class Canvas:
    """Paints back to front with the "over" operator (Porter and Duff 1984), tracking coverage.

    Started on a sky, `image` is the picture and `1 - cover` the sky's share of each pixel. Started empty (`blank`),
    `image` is a layer premultiplied by its `cover`, ready to be laid over any other picture.

    Attributes:
        image: float32 [H, W, 3], RGB, 0..1 (highlights may exceed 1).
        cover: float32 [H, W], 0 where nothing was painted to 1 where the background is hidden.
    """

    def __init__(self, image: np.ndarray) -> None:
        self.image = np.ascontiguousarray(image, dtype=np.float32)
        self.cover = np.zeros(self.image.shape[:2], np.float32)

    @classmethod
    def blank(cls, height: int, width: int) -> "Canvas":
        """A transparent layer."""
        return cls(np.zeros((height, width, 3), np.float32))

    @property
    def height(self) -> int:
        return self.image.shape[0]

    @property
    def width(self) -> int:
        return self.image.shape[1]

    def paint(self, colour: np.ndarray, alpha: np.ndarray, top: int = 0, left: int = 0) -> None:
        """Lays a patch over the picture; what falls outside is cut off.

        Args:
            colour: float32 [h, w, 3], or one colour [3].
            alpha: float32 [h, w], 0..1.
            top, left: where the patch's first pixel goes; may be negative.
        """
        high, wide = alpha.shape
        y0, y1 = max(top, 0), min(top + high, self.height)
        x0, x1 = max(left, 0), min(left + wide, self.width)
        if y0 >= y1 or x0 >= x1:
            return
        alpha = np.ascontiguousarray(alpha[y0 - top : y1 - top, x0 - left : x1 - left], dtype=np.float32)
        colour = np.asarray(colour, np.float32)
        patch = self.image[y0:y1, x0:x1]
        keep = 1 - alpha
        if colour.ndim == 1:
            painted = ramp(alpha, np.zeros(3), colour)
        else:
            colour = np.ascontiguousarray(colour[y0 - top : y1 - top, x0 - left : x1 - left])
            painted = cv2.multiply(colour, cv2.merge((alpha, alpha, alpha)))
        np.add(cv2.multiply(patch, cv2.merge((keep, keep, keep))), painted, out=patch)
        cover = self.cover[y0:y1, x0:x1]
        cover *= keep
        cover += alpha

    def lay(self, layer: "Canvas") -> None:
        """Lays a layer of this size, begun by `blank`, over the picture."""
        covered = np.flatnonzero(layer.cover.any(axis=1))
        if covered.size:
            rows = slice(covered[0], covered[-1] + 1)
            keep = 1 - layer.cover[rows]
            self.image[rows] *= keep[..., None]
            self.image[rows] += layer.image[rows]
            self.cover[rows] *= keep
            self.cover[rows] += layer.cover[rows]

    def polygon(self, points: np.ndarray, colour: np.ndarray) -> None:
        """Fills a polygon [N, 2] (x, y in pixels) with one colour [3], edges anti-aliased."""
        self._drawn([points], colour, thickness=0)

    def lines(self, polylines: list[np.ndarray], thickness: float, colour: np.ndarray) -> None:
        """Draws anti-aliased open polylines, each [N, 2] (x, y in pixels), `thickness` pixels wide, to a quarter."""
        # After `_mask` has taken away one, cv2's widths of so many parts are even; of thinner lines all is paler.
        thick = max(1, round(thickness * PARTS / 2)) * 2
        self._drawn(polylines, colour, thickness=thick, share=min(thickness * PARTS / thick, 1.0))

    def quad(self, texture: np.ndarray, corners: np.ndarray) -> None:
        """Paints a rectangular texture float32 [h, w, 3] into the quadrilateral `corners` [4, 2] by a homography.

        The corners are x, y in pixels: top left, top right, bottom right, bottom left of the texture.
        """
        found = self._mask([corners], 0)
        if found is None:
            return
        alpha, top, left = found
        high, wide = texture.shape[:2]
        source = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
        target = np.asarray(corners, np.float32) - np.array([left, top], np.float32)
        matrix = cv2.getPerspectiveTransform(source, target)
        # An enlarged view of a texture is linear; a reduced one would alias, so it is averaged first.
        shrink = min(wide / max(np.ptp(target[:, 0]), 1), high / max(np.ptp(target[:, 1]), 1))
        if shrink > 1.5:
            texture = cv2.blur(texture, (int(shrink), int(shrink)))
        size = (alpha.shape[1], alpha.shape[0])
        warped = cv2.warpPerspective(texture, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        self.paint(warped, alpha, top, left)

    def _drawn(self, shapes: list[np.ndarray], colour: np.ndarray, thickness: int, share: float = 1.0) -> None:
        found = self._mask(shapes, thickness)
        if found is not None:
            alpha, top, left = found
            self.paint(colour, alpha * np.float32(share), top, left)

    def _mask(self, shapes: list[np.ndarray], thickness: int) -> tuple[np.ndarray, int, int] | None:
        """Coverage of the visible part of polygons (`thickness` 0) or of lines so many parts of a pixel wide.

        Returns:
            float32 [h, w], 0..1, its top and left; None if nothing is visible.
        """
        corners = np.concatenate([np.asarray(shape, np.float64) for shape in shapes])
        margin = thickness // PARTS + 2
        left, top = np.floor(np.clip(corners.min(0) - margin, 0, None)).astype(int)
        right, bottom = np.ceil(np.minimum(corners.max(0) + margin, (self.width, self.height))).astype(int)
        if right <= left or bottom <= top:
            return None
        high, wide = bottom - top, right - left
        mask = np.zeros((high * PARTS, wide * PARTS), np.uint8)
        # A part's centre is at +0.5 in our coordinates and at 0 in cv2's.
        fixed = np.round(((corners - (left, top)) * PARTS - 0.5) * (1 << SUBPIXEL_BITS)).astype(np.int32)
        ends = np.cumsum([len(shape) for shape in shapes]).tolist()
        fixed = [fixed[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]
        if thickness:
            cv2.polylines(mask, fixed, False, 255, thickness, cv2.LINE_8, SUBPIXEL_BITS)
        else:
            cv2.fillPoly(mask, fixed, 255, cv2.LINE_8, SUBPIXEL_BITS)
        # cv2 counts the parts on both edges, and so one too many.
        mask = cv2.erode(mask, np.ones((2, 2), np.uint8), anchor=(0, 0))
        for halved in (2, 1):  # in two steps, each of which has a fast way in cv2
            mask = cv2.resize(mask, (wide * halved, high * halved), interpolation=cv2.INTER_AREA)
        return mask.astype(np.float32) * np.float32(1 / 255), int(top), int(left)
