"""The procedural scenes: exact masks, the same bytes everywhere, variety, and the command line that writes them."""

import hashlib
import subprocess
import sys
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from src.data.synthesis import CLASSES, Scene, SceneOptions, render_clip, render_scene
from src.data.synthesis.__main__ import main
from src.data.synthesis.options import SKIES

ROOT = Path(__file__).parents[2]
SMALL = {"width": 256, "height": 144}


def sky_share(scene: Scene) -> float:
    return float((scene.mask == CLASSES["sky"]).mean())


def digest(scene: Scene) -> str:
    return hashlib.sha256(scene.image.tobytes() + scene.mask.tobytes() + scene.alpha.tobytes()).hexdigest()


@pytest.fixture(scope="module")
def scenes() -> list[Scene]:
    return [render_scene(seed, **SMALL, options=SceneOptions(no_sky_share=0.0)) for seed in range(60)]


@pytest.mark.parametrize(("width", "height"), [(512, 288), (288, 512), (251, 133), (16, 16)])
def test_a_scene_is_a_picture_and_a_mask_of_the_size_asked_for(width, height):
    scene = render_scene(7, width, height)
    assert scene.image.shape == (height, width, 3) and scene.image.dtype == np.uint8
    assert scene.mask.shape == (height, width) and scene.mask.dtype == np.uint8
    assert scene.alpha.shape == (height, width) and scene.alpha.dtype == np.float32


def test_the_mask_is_the_alpha_at_one_half(scenes):
    for scene in scenes:
        assert np.isfinite(scene.alpha).all() and scene.alpha.min() >= 0 and scene.alpha.max() <= 1
        assert np.array_equal(scene.mask, np.where(scene.alpha >= 0.5, 255, 0))
    edges = sum(((s.alpha > 0.05) & (s.alpha < 0.95)).any() for s in scenes)
    assert edges > 0.9 * len(scenes), "edges are soft, not pasted on"


def test_a_seed_gives_the_same_bytes_in_every_process():
    code = (
        "import hashlib; from src.data.synthesis import render_scene as r\n"
        "for s in (r(i, 256, 144) for i in range(6)):\n"
        "    print(hashlib.sha256(s.image.tobytes() + s.mask.tobytes() + s.alpha.tobytes()).hexdigest())"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.split() == [digest(render_scene(i, 256, 144)) for i in range(6)]


def test_different_seeds_give_different_pictures(scenes):
    assert len({digest(scene) for scene in scenes}) == len(scenes)


def test_the_sky_takes_anything_from_little_to_most_of_the_picture(scenes):
    shares = np.array([sky_share(scene) for scene in scenes])
    assert shares.std() > 0.15
    assert (shares < 0.2).any() and (shares > 0.7).any()
    assert (shares > 0.02).mean() > 0.9, "a scene with sky shows some"


def test_the_sky_is_not_told_by_brightness_or_blueness_alone(scenes):
    brighter = bluer = counted = 0
    for scene in scenes:
        sky = scene.mask == 255
        if 0.05 < sky.mean() < 0.95:
            inside, outside = scene.image[sky].mean(0), scene.image[~sky].mean(0)
            counted += 1
            brighter += inside.mean() > outside.mean()
            bluer += inside[2] - inside.mean() > outside[2] - outside.mean()
    assert brighter < counted
    assert bluer < 0.95 * counted


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_share_of_scenes_without_sky_is_the_one_asked_for(share):
    empty = np.mean(
        [render_scene(seed, 64, 36, SceneOptions(no_sky_share=share)).alpha.max() == 0 for seed in range(80)]
    )
    assert abs(empty - share) < 0.15


def test_the_camera_rolls_no_farther_than_it_may():
    def horizon_tilts(most: float) -> np.ndarray:
        """Degrees by which the mask's lower edge leans, of flights with nothing in front."""
        options = SceneOptions(no_sky_share=0.0, max_roll=most, places={"flight": 1.0}, foreground={}, lens={})
        tilts = []
        for seed in range(12):
            mask = render_scene(seed, **SMALL, options=options).mask > 0
            columns = [x for x in range(256) if 4 < mask[:, x].sum() < 140]
            if len(columns) > 100:
                slope = np.polyfit(columns, [mask[:, x].sum() for x in columns], 1)[0]
                tilts.append(np.degrees(np.arctan(slope)))
        return np.abs(tilts)

    assert np.median(horizon_tilts(0.0)) < 4 < np.median(horizon_tilts(45.0))


@pytest.mark.parametrize("wrong", [{"width": 8}, {"height": 0}])
def test_a_size_too_small_is_refused(wrong):
    for render in (render_scene, partial(render_clip, frames=1)):
        with pytest.raises(ValueError, match="at least 16"):
            render(0, **wrong)


def test_a_clip_moves_little_between_frames_and_more_over_time():
    frames = list(render_clip(1, 31, 320, 180))
    assert len(frames) == 31
    images = np.stack([cv2.GaussianBlur(frame.image, (0, 0), 2).astype(np.float32) for frame in frames])
    step = np.abs(np.diff(images, axis=0)).mean(axis=(1, 2, 3))
    assert step.min() > 0 and step.max() < 8, "no cut, no standstill"
    assert np.abs(images[30] - images[0]).mean() > 1.5 * step.mean()
    masks = np.stack([frame.mask for frame in frames])
    changed = (masks[1:] != masks[:-1]).mean(axis=(1, 2))
    assert 0 < changed.max() < 0.1
    for frame in frames:
        assert np.array_equal(frame.mask, np.where(frame.alpha >= 0.5, 255, 0))


def test_a_clip_is_reproducible():
    one, two = (list(render_clip(2, 3, 160, 90)) for _ in range(2))
    assert [digest(frame) for frame in one] == [digest(frame) for frame in two]


def test_the_command_writes_a_playable_clip_with_a_mask_per_frame(tmp_path):
    clip, masks = tmp_path / "new" / "clip.mp4", tmp_path / "masks"
    main(
        ["--clip", str(clip), "--masks", str(masks), "--frames", "12", "--fps", "10", "--size", "160x96", "--seed", "4"]
    )
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.average_rate) == ("h264", 10)
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(stream)]
    names = sorted(path.name for path in masks.iterdir())
    assert names == [f"{i:06d}.png" for i in range(12)] and len(pictures) == 12
    for i, scene in enumerate(render_clip(4, 12, 160, 96)):
        assert np.array_equal(cv2.imread(str(masks / names[i]), cv2.IMREAD_UNCHANGED), scene.mask)
        assert np.abs(pictures[i].astype(int) - scene.image).mean() < 12
    assert [path.name for path in clip.parent.iterdir()] == ["clip.mp4"], "no part file is left"


def test_the_command_writes_a_gallery(tmp_path):
    main(["--gallery", str(tmp_path / "sheet.png"), "--rows", "2", "--cols", "3", "--size", "64x36"])
    assert cv2.imread(str(tmp_path / "sheet.png")).shape == (72, 192, 3)


def test_a_gallery_shows_the_scenes_asked_for(tmp_path):
    sheet = tmp_path / "sheet.png"
    chosen = ["--seeds", "9", "4", "7", "--cols", "2", "--size", "64x36", "--plain"]
    main(["--gallery", str(sheet), *chosen, "--sky", "fog", "storm", "--place", "coast"])
    picture = cv2.imread(str(sheet))[..., ::-1]
    assert picture.shape == (72, 128, 3)
    skies = {name: weight for name, weight in SKIES.items() if name in ("fog", "storm")}
    options = SceneOptions(no_sky_share=0.0, skies=skies, places={"coast": 1.0})
    assert np.array_equal(picture[:36, 64:], render_scene(4, 64, 36, options).image)
    assert not picture[36:, 64:].any(), "a row that ends early is black"


def test_a_bad_size_ends_with_a_message_and_code_2(tmp_path):
    command = [sys.executable, "-m", "src.data.synthesis", "--clip", str(tmp_path / "clip.mp4"), "--size", "720p"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "720p" in run.stderr and "1280x720" in run.stderr and "Traceback" not in run.stderr


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--masks", "m"],
        ["--clip", "c.mp4", "--size", "161x90"],
        ["--clip", "c.mp4", "--size", "8x8"],
        ["--clip", "c.mp4", "--frames", "0"],
        ["--clip", "c.mp4", "--seed", "-1"],
        ["--clip", "c.avi"],
        ["--gallery", "g.png", "--seeds", "3", "-1"],
        ["--gallery", "g.png", "--sky", "cler"],
        ["--gallery", "g.png", "--place", "moon"],
        ["--gallery", "/proc/no/such/sheet.png", "--rows", "1", "--cols", "1", "--size", "32x32"],
        ["--clip", "/proc/no/such/clip.mp4", "--frames", "1", "--size", "32x32"],
    ],
    ids=lambda options: " ".join(options) or "none",
)
def test_bad_options_are_refused_by_name(options, capsys):
    with pytest.raises(SystemExit) as stop:
        main(options)
    assert stop.value.code == 2
    assert "fix:" in capsys.readouterr().err
