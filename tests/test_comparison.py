"""A comparison: its plan, what it reads from DVC, its table and page; and the whole over real DVC experiments."""

import csv
import json
import re
from html.parser import HTMLParser

import cv2
import pytest
from ruamel.yaml import YAML

from src.comparison import run
from src.comparison.__main__ import main
from src.comparison.plan import own_settings, plan
from src.comparison.plot import draw
from src.comparison.report import table, write_report
from src.comparison.rows import Row, columns_of, rows_of
from src.errors import UserError
from tests.clone import Clone
from tests.import_graph import ROOT


@pytest.fixture
def tree():
    return YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def test_each_model_becomes_an_experiment_with_the_common_settings(tree, tmp_path):
    planned = plan(["unet/tu-resnet10t", "fpn/mobilenet_v2"], ["train.epochs=6"], tree, "compare", tmp_path)
    assert [one.name for one in planned] == ["compare-unet-tu-resnet10t", "compare-fpn-mobilenet_v2"]
    assert planned[0].settings == ("model.name=unet", "model.encoder=tu-resnet10t", "train.init=null", "train.epochs=6")
    # Those of params.yaml are the U-Net's.
    assert planned[1].settings[3:5] == ("model.decoder_channels=null", "model.context=0")
    assert planned[0].command("--temp") == [
        "dvc", "exp", "run", "--temp", "--name", "compare-unet-tu-resnet10t",
        "-S", "model.name=unet", "-S", "model.encoder=tu-resnet10t",
        "-S", "train.init=null", "-S", "train.epochs=6"]  # fmt: skip
    assert tree["model"]["decoder_channels"]  # the caller's tree is left alone


def test_a_net_without_an_encoder_sets_it_to_null(tree):
    expected = ["model.name=lraspp", "model.encoder=null", "train.init=null"]
    expected += ["model.decoder_channels=null", "model.context=0"]
    assert own_settings("lraspp", tree) == expected
    assert own_settings("unet", tree) == ["model.name=unet", *expected[1:]]
    assert own_settings("unet/timm/x", tree) == ["model.name=unet", "model.encoder=timm/x", "train.init=null"]


def test_relative_paths_are_made_absolute_where_they_are_read(tree, tmp_path):
    [one] = plan(["unet/resnet18"], ["data.sources=[folder]", "data.folder.root=../mine"], tree, "c", tmp_path / "p")
    assert one.settings[-1] == f"data.folder.root={tmp_path}/mine"
    [one] = plan(["unet/resnet18"], ["data.folder.root=../mine"], tree, "c", tmp_path)
    assert one.settings[-1] == f"data.folder.root={tmp_path.parent}/mine"  # DVC watches it, whatever the sources
    [one] = plan(["unet/resnet18"], ["data.folder.root=photos"], tree, "c", tmp_path)
    assert one.settings[-1] == "data.folder.root=photos"  # the copy has it, too
    [one] = plan(["unet/resnet18"], ["data.sources=[ade20k]", "benchmark.video=/a/b.mp4"], tree, "c", tmp_path)
    assert not [setting for setting in one.settings if "root" in setting]  # null: downloaded
    [one] = plan(["unet/resnet18"], ["benchmark.video=b.mp4"], tree, "c", tmp_path)
    assert one.settings[-1] == f"benchmark.video={tmp_path}/b.mp4"


@pytest.mark.parametrize(
    ("models", "settings", "says"),
    [
        (["unet/a", "unet/a"], [], "two of them would make the experiment c-unet-a"),
        (["unett/a"], [], "model.name"),
        (["unet/a"], ["train.epochs=many"], "train.epochs"),
        (["unet/a"], ["train.epoch=3"], "-S train.epoch=3: not key=value"),
        (["unet/a"], ["trian.epochs=3"], "-S trian.epochs=3: not key=value"),
        (["unet/a"], ["train.epochs"], "-S train.epochs: not key=value"),
        (["unet/a"], ["train.epochs.more=3"], "not key=value"),
        (["unet/a"], ["data.sources=[a"], "not key=value"),
    ],
)
def test_mistakes_are_refused_before_anything_runs(tree, tmp_path, models, settings, says):
    with pytest.raises(UserError) as caught:
        plan(models, settings, tree, "c", tmp_path)
    assert says in str(caught.value)


def test_a_dry_run_prints_the_commands(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    main(["--models", "unet/tu-resnet10t", "--dry", "-S", "data.sources=[synthetic]"])
    [line] = capsys.readouterr().out.splitlines()
    settings = "-S model.name=unet -S model.encoder=tu-resnet10t -S train.init=null -S 'data.sources=[synthetic]'"
    assert line.endswith(settings)
    for arguments in ([], ["--show-only", "--models", "unet/a"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2


def test_why_a_run_failed_is_its_own_error():
    stage = "Running\r 10%|#  \r 20%|##\nerror: cannot build unet\n  why: x\nERROR: failed to reproduce 'train'\n"
    assert run.reason(stage) == "error: cannot build unet"
    assert run.reason("Traceback\n  File\nValueError: no\nERROR: failed to reproduce\n") == "ValueError: no"
    assert run.reason("WARNING: a\nERROR: failed to reproduce\nlast words\n") == "ERROR: failed to reproduce"
    assert run.reason("last words\n\n") == "last words"
    assert run.reason("") == "it printed nothing"


def test_the_queue_is_filled_run_and_asked_what_became_of_it(tree, tmp_path, monkeypatch):
    # DVC's workers are daemons that outlive a test, so their answers stand in for them here.
    commands = []

    def run_command(command, project, log):
        commands.append(command)
        log.write_text("ERROR: no such key\n")
        return int("c-linknet-a" in command)

    answers = {
        "status": "Task     Name         Created    Status\n1a2b     c-fpn-a      12:58 PM   Success\n"
        "3c4d     c-unet-a     12:59 PM   Failed\n\nWorker status: 0 active, 1 idle\n",
        "logs": "Running\nerror: the disk is full\n",
    }
    monkeypatch.setattr(run, "_run", run_command)
    monkeypatch.setattr(run, "_answer", lambda command, project: answers[command[2]])
    experiments = plan(["fpn/a", "unet/a", "linknet/a"], [], tree, "c", tmp_path)
    failed = run.run_queue(experiments, tmp_path, tmp_path, jobs=2)
    assert [command[3] for command in commands] == ["--queue", "--queue", "--queue", "--run-all"]
    assert commands[-1][4:] == ["--jobs", "2"]
    assert failed == {"c-unet-a": "error: the disk is full", "c-linknet-a": "ERROR: no such key"}


def shown(*experiments: tuple[str, dict | None, dict | None]) -> str:
    """As `dvc exp show --json` prints it; metrics None: not run yet."""

    def entry(name, metrics, params):
        files = {"metrics/all.json": {"data": metrics}, "metrics/broken.json": {"error": {"type": "YAMLError"}}}
        data = {"params": {"params.yaml": {"data": params}}, "metrics": files if metrics else None}
        return {"revs": [{"rev": "a" * 40, "name": name, "data": data}, {"rev": "b" * 40, "name": None, "data": None}]}

    failed = {"revs": [{"rev": "c" * 40, "name": "compare-failed", "data": None, "error": {"msg": "x"}}]}
    baseline = {"rev": "d" * 40, "name": "main", "data": {}, "experiments": [*(entry(*e) for e in experiments), failed]}
    return json.dumps([{"rev": "workspace", "name": None, "data": {}, "experiments": None}, baseline])


def measured(iou: float, ms: float) -> dict:
    return {
        "evaluate": {"test": {"iou": iou, "dice": iou, "images": 5}},
        "train": {"minutes": 2.5, "precision": "bf16-mixed"},
        "benchmark": {
            "parameters": 5_000_000,
            "gmac": 1.25,
            "megabytes": ms,
            "latency": {
                "engine": {"p50_ms": ms, "p95_ms": 9.0},
                "engine_batch_4": {"p50_ms": 4 * ms},
                "onnxruntime_fp32": {"p50_ms": 2 * ms},
            },
        },
    }


def test_rows_come_from_finished_experiments_of_the_prefix_the_best_first():
    net = {"model": {"name": "fpn", "encoder": "resnet18"}}
    rows = rows_of(
        shown(
            ("compare-a", measured(0.8, 4.0), net),
            ("compare-b", measured(0.9, 8.0), {"model": {"name": "lraspp", "encoder": None}}),
            ("other", measured(0.99, 1.0), net),
            ("compare-queued", None, net),
            ("compare-half", {"train": {"minutes": 1.0}}, net),
        ),
        "compare",
    )
    assert [(row.name, row.model) for row in rows] == [("compare-b", "lraspp"), ("compare-a", "fpn/resnet18")]
    assert [column.title for column in columns_of(rows)] == [
        "IoU", "DSC", "MB", "M parameters", "GMAC", "engine ms", "onnxruntime fp32 ms", "min of training"]  # fmt: skip


ROWS = [
    Row("c-a", "fpn/<b>", {"evaluate.test.iou": 0.9, "benchmark.latency.engine.p50_ms": 8.0, "benchmark.megabytes": 9}),
    Row("c-b", "unet", {"evaluate.test.iou": 0.8, "benchmark.latency.engine.p50_ms": 4.0}),
]


def test_the_table_marks_the_best_and_leaves_gaps():
    assert table(ROWS, columns_of(ROWS)).splitlines() == [
        "| model | IoU | MB | engine ms |",
        "| --- | --- | --- | --- |",
        "| fpn/<b> | **0.900** | 9.0 | 8.0 |",
        "| unet | 0.800 | - | **4.0** |",
    ]


class Page(HTMLParser):
    """Collects tags, the addresses they load from, and the text of cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.loads, self.cells = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href") and not value.startswith("#")]

    def handle_data(self, data):
        if self.tags[-1:] == ["td"]:
            self.cells.append(data.strip())


def test_the_report_is_complete_and_its_page_needs_nothing_beside_it(tmp_path):
    about = {"command": "python -m src.comparison", "revision": "abc", "machine": "a <machine>"}
    write_report(ROWS, {"c-x": "error: no <such> encoder"}, **about, folder=tmp_path / "deep")
    page = Page(text := (tmp_path / "deep/comparison.html").read_text())
    assert page.loads == []
    assert {"table", "svg", "script", "li"} <= set(page.tags)
    assert {"fpn/<b>", "unet", "0.900", "-"} <= set(page.cells)
    assert "no &lt;such&gt; encoder" in text
    assert cv2.imread(str(tmp_path / "deep/comparison.png")).shape == (620, 1100, 3)
    assert "- c-x: error: no <such> encoder" in (tmp_path / "deep/comparison.md").read_text()
    with (tmp_path / "deep/comparison.csv").open() as file:
        [first, second] = csv.DictReader(file)
    assert (first["model"], first["evaluate.test.iou"], second["benchmark.megabytes"]) == ("fpn/<b>", "0.9", "")
    write_report(ROWS, {}, **about, folder=tmp_path / "again")
    assert (tmp_path / "again/comparison.png").read_bytes() == (tmp_path / "deep/comparison.png").read_bytes()


def test_every_model_is_named_on_the_plot_however_they_crowd(tmp_path):
    figures = {"benchmark.latency.engine.p50_ms": 5.0, "benchmark.megabytes": 20.0, "evaluate.test.iou": 0.87}
    rows = [Row(f"c-{i}", f"net{i}", figures | {"evaluate.test.iou": 0.87 + i / 1000}) for i in range(8)]
    slow = Row("c-slow", "slow", figures | {"benchmark.latency.engine.p50_ms": 150.0})
    for found in (rows, [*rows, slow]):
        svg = draw(found, tmp_path / "plot.png")
        assert [row.model for row in found if f"{row.model}, 20 MB" not in svg] == []


def test_one_model_or_none_with_a_latency_still_makes_a_plot(tmp_path):
    about = {"command": "c", "revision": "r", "machine": "m"}
    for index, rows in enumerate(([ROWS[0]], [Row("c-b", "unet", {"evaluate.test.iou": 0.8})])):
        write_report(rows, {}, **about, folder=tmp_path / str(index))
        assert cv2.imread(str(tmp_path / str(index) / "comparison.png")).std() > 5


# A pipeline of one stage that "trains" in no time and refuses one net, over the project's real params.
STAGE = """
import json, pathlib
from ruamel.yaml import YAML
tree = YAML(typ="safe", pure=True).load(pathlib.Path("params.yaml").read_text())
if tree["model"]["encoder"] == "resnet999":
    raise SystemExit("error: no such encoder: resnet999")
iou = 0.9 if tree["model"]["name"] == "fpn" else 0.8
metrics = {"evaluate": {"test": {"iou": iou}}, "train": {"epochs": tree["train"]["epochs"]}}
pathlib.Path("metrics.json").write_text(json.dumps(metrics))
"""
PIPELINE = """
stages:
  train:
    cmd: python stage.py
    deps: [stage.py]
    params: [model, train]
    metrics:
      - metrics.json: {cache: false}
"""


@pytest.fixture
def project(tmp_path):
    """A repository with that pipeline, the project's params, and the comparison."""
    made = Clone(tmp_path / "project")
    made.path.mkdir()
    made.git("init")
    (made.path / "src").symlink_to(ROOT / "src")
    for name, text in {
        "params.yaml": (ROOT / "params.yaml").read_text(encoding="utf-8"),
        "stage.py": STAGE,
        "dvc.yaml": PIPELINE,
        ".gitignore": "/src\n/reports\n",
    }.items():
        (made.path / name).write_text(text, encoding="utf-8")
    made.run("dvc init --quiet")
    made.commit("the project")
    return made


def test_real_experiments_become_a_table_and_the_workspace_stays_as_it_was(project):
    (project.path / "params.yaml").write_text((project.path / "params.yaml").read_text() + "# an edit of mine\n")
    before = {p.name: p.read_bytes() for p in project.path.iterdir() if p.is_file()}
    models = "unet/resnet18 unet/resnet999 fpn/resnet18"
    output = project.run(f"python -m src.comparison --models {models} -S train.epochs=7", code=1)
    assert {p.name: p.read_bytes() for p in project.path.iterdir() if p.is_file()} == before
    assert "| fpn/resnet18 | **0.900** | 7 |" in output
    assert "| unet/resnet18 | 0.800 | 7 |" in output
    assert "not finished: compare-unet-resnet999: error: no such encoder: resnet999" in output
    assert (project.path / "reports/comparison/comparison.html").is_file()
    # Again, with one model: its experiment is replaced, the others stay.
    output = project.run("python -m src.comparison --models unet/resnet18 -S train.epochs=9")
    assert "| unet/resnet18 | 0.800 | 9 |" in output
    assert "| fpn/resnet18 | **0.900** | 7 |" in project.run("python -m src.comparison --show-only")


def test_comparisons_of_two_names_stand_side_by_side(project):
    project.run("python -m src.comparison --models unet/resnet999 --name other", code=2)
    project.run("python -m src.comparison --models unet/resnet18 --name sweep2 -S train.epochs=9")
    page = (project.path / "reports/comparison/comparison.html").read_text(encoding="utf-8")
    assert "--models unet/resnet18 -S train.epochs=9 --name sweep2" in page
    assert "other-unet" not in page  # why that one failed is its own affair
    assert "other-unet-resnet999: error" in project.run("python -m src.comparison --show-only --name other", code=2)


@pytest.mark.parametrize("name", ["v1.2", "compare-2", "a b", ""])
def test_a_name_that_would_be_rewritten_or_meet_another_is_refused(name, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["--models", "unet", "--name", name])
    assert "letters, digits and _ only" in capsys.readouterr().err


def test_without_a_finished_experiment_it_says_so(project):
    output = project.run("python -m src.comparison --show-only", code=2)
    assert "no finished experiment is called compare-..." in output


@pytest.mark.slow
@pytest.mark.xdist_group("pipeline")
def test_the_whole_pipeline_is_compared_and_a_net_that_cannot_be_built_is_said(finished, tmp_path):
    import mlflow

    clone = finished.copy(tmp_path / "clone")
    output = clone.run("python -m src.comparison --models fpn/tu-resnet10t unet/resnet999", code=1)
    assert clone.run("git status --porcelain") == ""
    assert re.search(r"compare-unet-resnet999: error: .*unet over encoder 'resnet999'", output)
    with (clone.path / "reports/comparison/comparison.csv").open() as file:
        [row] = csv.DictReader(file)
    assert row["model"] == "fpn/tu-resnet10t"
    assert 0 <= float(row["evaluate.test.iou"]) <= 1
    assert float(row["benchmark.latency.engine.p50_ms"]) > 0
    assert float(row["benchmark.parameters"]) > 1e6
    assert float(row["benchmark.gmac"]) > 0
    assert float(row["benchmark.megabytes"]) > 1
    client = mlflow.MlflowClient(f"sqlite:///{clone.path}/mlflow.db")
    [experiment] = [client.get_experiment_by_name("skyseg/pipeline").experiment_id]
    names = {run.info.run_name: run.data.metrics for run in client.search_runs([experiment])}
    assert names["compare-fpn-tu-resnet10t"]["benchmark.gmac"] == pytest.approx(float(row["benchmark.gmac"]))
