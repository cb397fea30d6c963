"""Near-duplicates: told from what merely looks similar, exactly and within bounds."""

import cv2
import numpy as np
import pytest

from src.data.duplicates import BLOCK, find_duplicates, perceptual_hash
from src.data.raw import fill_raw_folder, raw_folders
from src.data.selection import select
from src.data.sources.folder import FolderSource
from src.params import Filter
from tests.data.test_selection import RULES, TABLE
from tests.toy import FOLDER, make_folder, photograph, write_pair


def distance(one: int, other: int) -> int:
    return (one ^ other).bit_count()


def scene(seed: int) -> np.ndarray:
    """Grey uint8 [120, 160] with large shapes, as photographs have."""
    rough = np.random.default_rng(seed).integers(0, 255, (6, 8)).astype(np.uint8)
    return cv2.resize(rough, (160, 120), interpolation=cv2.INTER_CUBIC)


def test_the_hash_survives_what_leaves_the_picture_the_same():
    image = scene(1)
    code = perceptual_hash(image)
    assert 0 <= code < 2**64
    smaller = cv2.resize(image, (100, 75), interpolation=cv2.INTER_AREA)
    brighter = cv2.convertScaleAbs(image, alpha=0.8, beta=20)
    compressed = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], 0)
    assert max(distance(code, perceptual_hash(changed)) for changed in (smaller, brighter, compressed)) <= 4


def test_the_hash_tells_pictures_apart():
    codes = [perceptual_hash(scene(seed)) for seed in range(40)]
    assert min(distance(a, b) for i, a in enumerate(codes) for b in codes[:i]) > 8


def naive(codes, within, fixed):
    """The rule itself: fixed ones first, then each in turn against those that stay."""
    stays = [i for i, is_fixed in enumerate(fixed) if is_fixed]
    repeats = set()
    for i, code in enumerate(codes):
        if not fixed[i]:
            alike = [s for s in stays if distance(code, codes[s]) <= within]
            (repeats.add if alike else stays.append)(i)
    return repeats


@pytest.mark.parametrize("within", [0, 3])
def test_blocks_find_what_pair_by_pair_comparison_finds(within):
    rng = np.random.default_rng(within)
    # Few distinct codes with some bits flipped, over several blocks.
    bases = rng.integers(0, 2**63, 500, dtype=np.uint64)
    codes = [int(rng.choice(bases)) ^ (1 << int(bit)) for bit in rng.integers(0, 64, 3 * BLOCK)]
    fixed = (rng.random(len(codes)) < 0.05).tolist()
    found = find_duplicates(codes, within, fixed)
    assert found.keys() == naive(codes, within, fixed)
    for repeat, (stays, bits) in found.items():
        assert stays not in found
        assert distance(codes[repeat], codes[stays]) == bits <= within


def test_nothing_repeats_nothing():
    assert find_duplicates([], 3, []) == {}
    assert find_duplicates([5], 3, [False]) == {}


def test_a_copy_in_another_group_is_dropped_and_names_what_stays(tmp_path):
    root = make_folder(tmp_path / "photos")
    image, mask = photograph(0)  # a_0 again, a little brighter
    write_pair(root, "z_0", cv2.add(image, (3, 3, 3, 0)), mask)
    fill_raw_folder(FolderSource("toy", root, **FOLDER), tmp_path / "raw/toy")
    rows = select(raw_folders(tmp_path / "raw"), TABLE, Filter.model_validate(RULES | {"duplicate_bits": 6}))
    copy = rows[-1]
    assert (copy.image[-7:], copy.kept, copy.reason) == ("z_0.jpg", False, "near-duplicate")
    assert copy.twin.endswith("a_0.jpg")
    assert copy.detail.endswith(f"bits from {copy.twin}")
    assert next(row for row in rows if row.image == copy.twin).kept


def test_a_copy_of_a_published_test_image_leaves_train(tmp_path):
    root = make_folder(tmp_path / "photos")
    image, mask = photograph(0)
    for name in ("y_0", "z_0"):
        write_pair(root, name, image, mask)
    names = sorted(path.stem for path in (root / "images").iterdir())
    split = {"b": "val", "y": "test", "z": "test"}
    (root / "splits.csv").write_text("name,split\n" + "".join(f"{n},{split.get(n[0], 'train')}\n" for n in names))
    fill_raw_folder(FolderSource("toy", root, **FOLDER | {"splits": "splits.csv"}), tmp_path / "raw/toy")
    rows = select(raw_folders(tmp_path / "raw"), TABLE, Filter.model_validate(RULES | {"duplicate_bits": 0}))
    dropped = [(row.image[-7:], row.twin[-7:]) for row in rows if not row.kept]
    # Of the two in test both stay: scores on a published split remain comparable.
    assert dropped == [("a_0.jpg", "y_0.jpg")]
