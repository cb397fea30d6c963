"""Masks, mattes and figures of videos, and what the options ask for."""

import csv
import os
from argparse import Namespace
from pathlib import Path

import numpy as np
import pytest

from src.errors import UserError
from src.files import PartFile, check_writable
from src.runtime.options import parse
from src.runtime.tables import Table, share_columns, shares
from src.runtime.video.compositing import Compositor
from src.runtime.video.frame import Result
from src.runtime.video.outputs import open_outputs, refuse_video_outputs
from src.runtime.video.sink import FrameFigures, MaskFolder, MatteFolder, frame_columns
from src.runtime.video.source import VideoSource
from tests.model_file import binary_card, three_class_card
from tests.runtime.clips import FPS, add_sound, beep_in, read_mask, times_of

LABELS = np.zeros((10, 12), np.uint8)
LABELS[:4] = 1


def test_masks_are_numbered_pngs(tmp_path):
    folder = MaskFolder(tmp_path / "masks", binary_card())
    assert not (tmp_path / "masks").exists(), "made with the first mask"
    folder.write(Result(LABELS, index=7))
    folder.write(Result(1 - LABELS, index=9))
    assert sorted(path.name for path in (tmp_path / "masks").iterdir()) == ["000000.png", "000001.png"]
    assert np.array_equal(read_mask(tmp_path / "masks" / "000000.png"), LABELS * 255)
    MaskFolder(tmp_path / "classes", three_class_card()).write(Result(LABELS + 1))
    assert np.array_equal(read_mask(tmp_path / "classes" / "000000.png"), LABELS + 1)


def test_mattes_are_the_confidence(tmp_path):
    confidence = np.arange(120, dtype=np.uint8).reshape(10, 12)
    folder = MatteFolder(tmp_path / "mattes")
    assert folder.needs_confidence
    folder.write(Result(LABELS, confidence))
    assert np.array_equal(read_mask(tmp_path / "mattes" / "000000.png"), confidence)


def test_figures_are_a_row_per_frame(tmp_path):
    with Table(tmp_path / "new" / "figures.csv", frame_columns(binary_card())) as table:
        figures = FrameFigures(table, binary_card())
        figures.write(Result(LABELS, index=5, time=0.25, infer_ms=3.14159))
        assert not (tmp_path / "new" / "figures.csv").exists(), "complete or absent"
    rows = list(csv.DictReader((tmp_path / "new" / "figures.csv").open()))
    assert rows == [{"frame": "5", "time_s": "0.250000", "sky_share": "0.400000", "infer_ms": "3.142"}]
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_of_more_classes_each_has_its_share():
    assert share_columns(three_class_card()) == ["red_share", "green_share"]
    assert shares(np.array([[0, 1, 2, 2]], np.uint8), three_class_card()) == ["0.250000", "0.500000"]
    assert shares(np.array([[0, 0]], np.uint8), three_class_card()) == ["0.000000", "0.000000"]


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_a_table_is_kept_on_ctrl_c_and_removed_on_errors(error, tmp_path):
    (tmp_path / "t.csv").write_text("earlier")
    with pytest.raises(error), Table(tmp_path / "t.csv", ["a"]) as table:
        table.add(1)
        raise error
    kept = error is KeyboardInterrupt
    assert (tmp_path / "t.csv").read_text() == ("a\n1\n" if kept else "earlier")
    assert len(list(tmp_path.iterdir())) == 1


def test_a_second_ctrl_c_while_a_table_is_closed_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), Table(tmp_path / "t.csv", ["a"]) as table:
        table.add(1)
        monkeypatch.setattr(type(table._place), "keep", interrupted)
    assert not list(tmp_path.iterdir())


def test_a_table_without_a_row_is_no_file(tmp_path):
    with Table(tmp_path / "new" / "t.csv", ["a"]):
        pass
    assert not list(tmp_path.iterdir())


def test_names_that_are_no_utf_8_pass_through_a_table(tmp_path):
    with Table(tmp_path / "t.csv", ["photo"]) as table:
        table.add(os.fsdecode(b"caf\xe9, 1.jpg"))
    assert (tmp_path / "t.csv").read_bytes() == b'photo\n"caf\xe9, 1.jpg"\n'


def test_a_folder_without_permission_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)  # root may write everywhere
    with pytest.raises(UserError, match="not writable"):
        MaskFolder(tmp_path, binary_card())


def test_what_can_be_written_is_asked_without_making_anything(tmp_path):
    check_writable(tmp_path / "new" / "deep")
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot be made"):
        check_writable(tmp_path / "file" / "deep")
    with pytest.raises(UserError, match="cannot be made"):
        MaskFolder(tmp_path / "file" / "masks", binary_card())


def test_a_discarded_file_takes_the_folders_made_for_it_along_unless_others_use_them(tmp_path):
    PartFile(tmp_path / "a" / "b" / "c.txt").discard()
    assert not list(tmp_path.iterdir())
    place = PartFile(tmp_path / "a" / "b" / "c.txt")
    (tmp_path / "a" / "other.txt").touch()
    place.discard()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["other.txt"]


def asked(*arguments: object) -> Namespace:
    return parse([str(argument) for argument in arguments], "")


def refused(clip: Path, *arguments: object) -> str:
    options = asked("--video", clip, *arguments)
    with pytest.raises(UserError) as caught:
        refuse_video_outputs(options, [Path(options.video)])
    return str(caught.value)


def test_outputs_that_cannot_be_are_refused_and_nothing_is_made(clip, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "link.mp4").symlink_to(clip)
    before = sorted(tmp_path.rglob("*"))
    assert "video of this kind" in refused(clip, "--save", tmp_path / "out.webm")
    assert "video of this kind" in refused(clip, "--save", tmp_path / "out")
    assert "a folder of this name" in refused(clip, "--save", tmp_path / "folder.mp4")
    assert "a folder of this name" in refused(clip, "--csv", tmp_path)
    assert "a folder of this name" in refused(clip, "--stats-json", tmp_path)
    for option, name in (("--save", "out.mp4"), ("--save-masks", "m"), ("--alpha", "a"), ("--csv", "t.csv")):
        assert "cannot be made" in refused(clip, option, tmp_path / "file" / "deep" / name)
    assert "is the input itself" in refused(clip, "--save", clip)
    assert "is the input itself" in refused(clip, "--save", tmp_path / "link.mp4")
    assert "is the input itself" in refused(clip, "--csv", clip)
    assert "--save-masks and --alpha" in refused(clip, "--save-masks", tmp_path / "x", "--alpha", tmp_path / "x")
    assert "--csv and --stats-json" in refused(clip, "--csv", tmp_path / "x", "--stats-json", tmp_path / "x")
    transparent = refused(clip, "--view", "cut-out", "--save", tmp_path / "out.mp4")
    assert "no transparency" in transparent
    assert ".mov" in transparent
    assert sorted(tmp_path.rglob("*")) == before


def played(options: Namespace, error: type[BaseException] | None = None) -> list[str]:
    """Hands every frame to the outputs that the options ask for."""
    with VideoSource(options.video) as source:
        compositor = Compositor(binary_card(), "overlay", source.width, source.height)
        with open_outputs(options, source, binary_card(), compositor) as outputs:
            for found in source:
                labels = np.zeros(found.image.shape[:2], np.uint8)
                result = Result(labels, labels, found.image, found.index, found.time, 1.0)
                for sink in outputs.sinks:
                    sink.write(result)
            if error:
                raise error
    return outputs.notes


def everything(clip: Path, folder: Path, *more: object) -> Namespace:
    return asked(
        "--video", clip, "--save", folder / "out.mp4", "--save-masks", folder / "masks", "--alpha", folder / "mattes",
        "--csv", folder / "t.csv", *more,
    )  # fmt: skip


def test_all_outputs_at_once(clip, tmp_path):
    notes = played(everything(clip, tmp_path / "out"))
    assert notes == [f"saved: {tmp_path / 'out' / name}" for name in ("out.mp4", "masks", "mattes", "t.csv")]
    count = len(times_of(clip))
    assert times_of(tmp_path / "out" / "out.mp4") == pytest.approx([index / FPS for index in range(count)], abs=1e-3)
    assert (
        len(list((tmp_path / "out" / "masks").iterdir())) == len(list((tmp_path / "out" / "mattes").iterdir())) == count
    )
    assert len((tmp_path / "out" / "t.csv").read_text().splitlines()) == count + 1


def test_after_an_error_files_are_absent_and_after_ctrl_c_complete(clip, tmp_path):
    with pytest.raises(ZeroDivisionError):
        played(
            asked("--video", clip, "--save", tmp_path / "a" / "o.mp4", "--csv", tmp_path / "a" / "t.csv"),
            ZeroDivisionError,
        )
    assert not list(tmp_path.iterdir())
    with pytest.raises(KeyboardInterrupt):
        played(everything(clip, tmp_path), KeyboardInterrupt)
    assert len(times_of(tmp_path / "out.mp4")) == len(times_of(clip))
    assert (tmp_path / "t.csv").is_file()


def test_a_loop_is_saved_without_sound_and_says_so(clip, tmp_path):
    sounding = add_sound(clip, tmp_path / "sounding.mp4")
    assert any("without sound" in note for note in played(everything(sounding, tmp_path / "out", "--loop", 2)))
    once = played(everything(sounding, tmp_path / "once", "--loop", 1))
    assert not any("sound" in note for note in once)
    assert beep_in(tmp_path / "once" / "out.mp4")[0] == pytest.approx(1.0, abs=0.03)
    assert not any("sound" in note for note in played(everything(clip, tmp_path / "quiet", "--loop", 2)))
