"""The `synthetic` source: procedural scenes with exact masks, rendered by the project itself."""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import cv2
from tqdm import tqdm

from src.data.images import encode
from src.data.raw import Sample, Source
from src.data.synthesis import CLASSES, SceneOptions, render_scene
from src.params.synthetic import Synthetic


class SyntheticSource(Source):
    """Scenes `seed`, `seed + 1`, ...; each is a group of its own.

    Args:
        scenes: how many.
        seed: the first scene's seed is `seed * 1_000_000`, so that two seeds share no scene.
        width, height: pixels.
        options: what the scenes show and how they are photographed.
    """

    name = "synthetic"
    licence = "Apache-2.0 (rendered by this project)"
    classes = CLASSES

    def __init__(self, *, scenes: int, seed: int, width: int, height: int, options: SceneOptions) -> None:
        self.seeds = range(seed * 1_000_000, seed * 1_000_000 + scenes)
        self.how = {"width": width, "height": height, "options": options}

    def fetch(self, into: Path) -> None:
        for folder in ("images", "masks"):
            (into / folder).mkdir()
        render = partial(_render_to, into, self.how)
        # Spawned, not forked: a fork of a process whose libraries run threads may hang.
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn"), initializer=_one_thread) as pool:
            done = pool.map(render, self.seeds, chunksize=8)
            for _ in tqdm(done, desc="render scenes", total=len(self.seeds), unit="scene"):
                pass

    def samples(self, fetched: Path) -> Iterator[Sample]:
        for image in sorted((fetched / "images").iterdir()):
            yield Sample(f"images/{image.name}", f"masks/{image.stem}.png", group=image.stem)


def scene_options(section: Synthetic) -> SceneOptions:
    """The renderer's options, as params give them."""
    return SceneOptions(**section.model_dump(exclude={"scenes", "width", "height"}))


def _one_thread() -> None:
    cv2.setNumThreads(1)  # the pool already fills the cores


def _render_to(folder: Path, how: dict[str, Any], seed: int) -> None:
    scene = render_scene(seed, **how)
    name = f"{seed:09d}"
    image = cv2.cvtColor(scene.image, cv2.COLOR_RGB2BGR)
    (folder / "images" / f"{name}.jpg").write_bytes(encode(image, ".jpg", (cv2.IMWRITE_JPEG_QUALITY, 92)))
    (folder / "masks" / f"{name}.png").write_bytes(encode(scene.mask, ".png"))
