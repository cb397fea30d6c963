"""The README's commands run, and what it links to is there."""

import json
import re
import subprocess

import pytest

from tests.import_graph import ROOT
from tests.toy import make_folder

README = (ROOT / "README.md").read_text(encoding="utf-8")
ELSEWHERE = ("make setup", "make demo", "make test")  # tests/test_pipeline.py runs the demo; this suite is the other


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    lines = (line.split("  #")[0].split(" #")[0].strip() for block in blocks("sh") for line in block.splitlines())
    return [line for line in lines if line and not line.startswith(ELSEWHERE)]


def anchors(page: str) -> set[str]:
    """As GitHub makes them: small letters, hyphens for spaces, punctuation left out."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", page, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))])
def test_links_and_pictures_lead_somewhere(page):
    place = (ROOT / page).parent
    for target, anchor in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", (ROOT / page).read_text(encoding="utf-8")):
        if target.startswith("http"):
            continue
        linked = place / target if target else ROOT / page
        assert linked.exists(), target
        assert not anchor or anchor in anchors(linked.read_text(encoding="utf-8")), f"{target}#{anchor}"


def test_every_top_level_room_is_in_the_tree():
    [*_, tree] = [block for block in blocks("text") if "params.yaml" in block]
    rooms = [p.name for p in (ROOT / "src").iterdir() if p.suffix == ".py" or (p / "__init__.py").is_file()]
    missing = [room for room in rooms if f"src/{room}" not in tree and room != "__init__.py"]
    assert missing == []


@pytest.mark.slow
@pytest.mark.xdist_group("pipeline")
def test_the_defaults_figures_are_those_of_the_committed_run():
    changed = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "metrics"], cwd=ROOT, check=False).returncode
    if changed:
        pytest.skip("metrics/ is of a run of one's own")
    test = json.loads((ROOT / "metrics/evaluate.json").read_text(encoding="utf-8"))["evaluate"]["test"]
    three, two = (", ".join(f"{test[name]:.{n}f}" for name in ("iou", "dice", "accuracy")) for n in (3, 2))
    assert f"| IoU (pooled), Dice, accuracy | {three} |" in (ROOT / "docs/results.md").read_text(encoding="utf-8")
    assert f"| {two} | `make demo` |" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_command_and_the_python_example_run_as_they_stand(finished, tmp_path):
    clone = finished.copy(tmp_path / "clone")
    make_folder(clone.path / "photos", groups=2)
    listed = commands()
    assert len(listed) >= 9
    for command in listed:
        clone.run(command)
    for made in ("out.mp4", "masks/000000.png", "both.mp4", "stats.json", "photo-masks", "scene.mp4", "scenes.png"):
        assert (clone.path / made).exists(), made

    [example] = blocks("python")
    script = "import cv2, glob\nimage = cv2.imread(glob.glob('data/raw/synthetic/images/*')[0])\n" + example
    script += "assert masks.labels.shape == masks.confidence.shape == image.shape[:2]\n"
    (clone.path / "example.py").write_text(script, encoding="utf-8")
    clone.run("python -m example")
