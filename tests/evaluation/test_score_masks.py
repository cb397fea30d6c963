"""Our figures of saved masks are those of the acceptance script, `shared/tools/score_masks.py`, to 1e-3."""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

from src.data.images import read_mask
from src.evaluation.metrics import Tally
from src.labels import ClassTable
from tests.evaluation.test_metrics import SKY, scenes
from tests.shared_data import shared
from tests.toy import CLASSES

SCRIPT = shared("tools/score_masks.py")
NAMES = {
    "iou": "pooled_iou",
    "image_iou": "image_iou",
    "dice": "dice",
    "accuracy": "accuracy",
    "boundary_f1": "boundary_f1",
    "false_sky": "negatives_fp",
    "images": "images",
    "negatives": "negatives",
}
pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason=f"no acceptance script at {SCRIPT}")


def theirs(truth: Path, predicted: Path) -> dict:
    """The script's figures of two folders of masks; it is imported from where it lies."""
    spec = importlib.util.spec_from_file_location("score_masks", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {ours: found for ours, name in NAMES.items() if (found := module.score(truth, predicted)[name]) is not None}


def ours(truth: Path, predicted: Path) -> dict:
    """The same figures by our tally, from the same files."""
    lookup, _ = ClassTable.from_labels({"sky": ["sky"]}).lookup(CLASSES, "saved")
    tally = Tally(SKY)
    for path in sorted(truth.glob("*.png")):
        tally.add(cv2.LUT(read_mask(path), lookup), (read_mask(predicted / path.name) > 127).astype(np.uint8))
    return {name: value for name, value in tally.summary().items() if name in NAMES}


def encoded(target: np.ndarray) -> np.ndarray:
    """Class indices and void -> the values of a saved mask."""
    return np.choose(np.minimum(target, 2), [0, 255, 127]).astype(np.uint8)


def save(folder: Path, kind: str, pairs) -> tuple[Path, Path]:
    truth, predicted = folder / kind / "truth", folder / kind / "predicted"
    for path in (truth, predicted):
        path.mkdir(parents=True)
    for index, (target, labels) in enumerate(pairs):
        cv2.imwrite(str(truth / f"{index:03d}.png"), encoded(target))
        cv2.imwrite(str(predicted / f"{index:03d}.png"), labels * 255)
    return truth, predicted


def toy_masks() -> dict[str, list[tuple[np.ndarray, np.ndarray]]]:
    """Pairs of target and labels, by what is special about them."""
    made = [(target, labels) for target, labels, _ in scenes(24)]
    shape = (90, 130)
    sky, none, all_sky = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8), np.ones(shape, np.uint8)
    sky[:40] = 1
    speck = none.copy()
    speck[3:6, 3:5] = 1  # 6 of 11,700 pixels, under 0.1 %: counts as an image without sky
    void = sky.copy()
    void[30:50] = 255  # the horizon itself
    holes = sky.copy()
    holes[10:30:3, ::4] = 0  # foliage
    return {
        "mixed": made,
        "with sky": [(target, labels) for target, labels in made if (target == 1).any()],
        "without sky": [(none, none), (none, sky), (speck, none), (speck, speck), (speck, all_sky)],
        "found nothing": [(sky, none), (all_sky, none)],
        "found all": [(sky, all_sky), (all_sky, all_sky)],
        "void at the horizon": [(void, sky), (void, none), (void, np.roll(sky, 8, axis=0))],
        "thin": [(holes, holes), (holes, sky), (sky, holes)],
    }


@pytest.mark.parametrize("kind", toy_masks())
def test_toy_masks_score_alike(tmp_path, kind):
    truth, predicted = save(tmp_path, kind, toy_masks()[kind])
    assert ours(truth, predicted) == pytest.approx(theirs(truth, predicted), abs=1e-3)


@pytest.mark.parametrize("name", ["camvid", "horizon_uav", "bsds500", "ade20k_sample"])
def test_real_masks_score_alike(tmp_path, name):
    masks = sorted(shared(f"data/{name}/masks").glob("*.png"))
    if not masks:
        pytest.skip(f"no masks of {name} in {shared('data')}")
    lookup, _ = ClassTable.from_labels({"sky": ["sky"]}).lookup(CLASSES, name)
    pairs = []
    for index, path in enumerate(masks[:: len(masks) // 6]):
        target = cv2.LUT(read_mask(path), lookup)
        # As a model at a small input size errs: coarse edges, shifted by a few pixels, small parts lost or made up.
        small = cv2.resize((target == 1).astype(np.float32), (64, 40), interpolation=cv2.INTER_AREA)
        rough = cv2.resize(small, target.shape[::-1]) + 0.2 * np.sin(np.arange(target.shape[1]) / (5 + index))
        pairs.append((target, np.roll(rough > 0.5, index, axis=0).astype(np.uint8)))
    truth, predicted = save(tmp_path, name, pairs)
    found = theirs(truth, predicted)
    assert ours(truth, predicted) == pytest.approx(found, abs=1e-3)
    assert 0 < found["boundary_f1"] < 1
