"""Writes clips, their masks and galleries to files; every file is complete or absent."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from src.data.images import encode
from src.data.synthesis.clip import overlay, render_clip
from src.data.synthesis.options import SceneOptions
from src.data.synthesis.scene import render_scene
from src.files import write_whole
from src.runtime.video.writer import VideoWriter


def write_clip(path: Path, masks: Path | None, *, frames: int, fps: int, seed: int, width: int, height: int) -> None:
    """Renders a clip into an H.264 file and, if asked, its masks into a folder of PNGs.

    Args:
        path: the video; ends in a suffix that `VideoWriter` knows.
        masks: folder for 000000.png, ...: uint8 [height, width], 255 sky, 0 not; made if it does not exist.
        frames, fps: its length and frame rate.
        seed: which clip.
        width, height: pixels, even.

    Raises:
        UserError: a file cannot be written.
    """
    with VideoWriter(path, width, height, fps) as video:
        scenes = render_clip(seed, frames, width, height)
        for i, scene in enumerate(tqdm(scenes, total=frames, desc=path.name, unit="frame")):
            video.write(cv2.cvtColor(scene.image, cv2.COLOR_RGB2BGR))
            if masks:
                write_whole(masks / f"{i:06d}.png", encode(scene.mask, ".png"))


def write_gallery(
    path: Path, cols: int, seeds: Sequence[int], width: int, height: int, options: SceneOptions, tinted: bool
) -> None:
    """Writes a sheet of scenes, one per seed, `cols` beside each other; the last row may end early, in black.

    Args:
        tinted: the sky of each scene's right half is tinted.

    Raises:
        UserError: the file cannot be written.
    """
    rows = -(-len(seeds) // cols)
    sheet = np.zeros((rows * height, cols * width, 3), np.uint8)
    for i, seed in enumerate(tqdm(seeds, desc=path.name, unit="scene")):
        scene = render_scene(seed, width, height, options)
        row, col = divmod(i, cols)
        tile = sheet[row * height : (row + 1) * height, col * width : (col + 1) * width]
        tile[:] = scene.image
        if tinted:
            tile[:, width // 2 :] = overlay(scene)[:, width // 2 :]
    write_whole(path, encode(cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), ".png"))
