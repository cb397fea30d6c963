"""Train several models alike and compare them: a DVC experiment each, one table, one plot, one page.

    python -m src.comparison --models unet/tu-resnet10t fpn/mobilenet_v2 segformer/mit_b0 -S train.epochs=6
    python -m src.comparison --models ... --dry     # what would run
    python -m src.comparison --show-only            # the table of what has run, drawn again

Results: reports/comparison/comparison.{html,md,csv,png}, an experiment each (`dvc exp show`), a row each in MLflow.
"""

import argparse
import json
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from src.comparison.plan import Experiment, plan
from src.comparison.report import table, write_report
from src.comparison.rows import columns_of, rows_of
from src.comparison.run import forget, run_in_turn, run_queue, show
from src.errors import UserError, user_errors
from src.hardware import processor
from src.records import git_revision, write_json

REPORTS = Path("reports/comparison")


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parse(arguments)
    project, reports = Path.cwd(), options.reports
    if not options.show_only:
        experiments = plan(options.models, options.set, _params(project), options.name, project)
        if options.dry:
            for experiment in experiments:
                print(shlex.join(experiment.command("--queue" if options.jobs else "--temp")))
            return
        _run(experiments, options, project)
    last = _recorded(reports).get(options.name, {})
    if not last:
        print("no record of an earlier run here: failures, if there were any, are not known", flush=True)
    rows, failed = rows_of(show(project), options.name), last.get("failed", {})
    for name, why in failed.items():
        print(f"not finished: {name}: {why}", file=sys.stderr, flush=True)
    if not rows:
        raise UserError(
            f"comparison: no finished experiment is called {options.name}-...",
            "dvc exp show lists those of the current commit alone",
            f"see {reports / 'logs'}, or run: python -m src.comparison --models unet/tu-resnet10t fpn/tu-resnet10t",
        )
    write_report(
        rows,
        failed,
        command=last.get("command", "python -m src.comparison --show-only"),
        revision=git_revision(project),
        machine=processor()["model"],
        folder=reports,
    )
    print(f"\n{table(rows, columns_of(rows))}\n\n{reports / 'comparison.html'}", flush=True)
    if failed:
        raise SystemExit(1)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m src.comparison", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--models", nargs="+", default=[], metavar="NAME[/ENCODER]", help="nets of params.yaml's model section")
    add("-S", dest="set", action="append", default=[], metavar="KEY=VALUE", help="params for all models; repeatable")
    add("--name", type=_name, default="compare", help="prefix of the experiments' names (default: %(default)s)")
    add("--jobs", type=int, metavar="N", help="run N at a time in DVC's queue; default: one after another, without it")
    add("--reports", type=Path, default=REPORTS, help="folder of the results (default: %(default)s)")
    add("--dry", action="store_true", help="print the commands and run nothing")
    add("--show-only", action="store_true", help="run nothing; table, plot and page of what has run")
    options = parser.parse_args(arguments)
    if bool(options.models) == options.show_only:
        parser.error("give --models to run, or --show-only, not both")
    return options


def _name(text: str) -> str:
    """Without a hyphen, which ends it in an experiment's name: of two comparisons neither takes the other's."""
    if not re.fullmatch(r"\w+", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"'{text}': letters, digits and _ only")
    return text


def _recorded(reports: Path) -> dict[str, Any]:
    """{name of a comparison: {command, failed}}, of its last run here."""
    record = reports / "last.json"
    return json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}


def _params(project: Path) -> dict:
    from ruamel.yaml import YAML

    return YAML(typ="safe", pure=True).load((project / "params.yaml").read_text(encoding="utf-8"))


def _run(experiments: Sequence[Experiment], options: argparse.Namespace, project: Path) -> None:
    """Runs them and keeps what experiments do not tell: the command, and why some failed."""
    logs = options.reports / "logs"
    forget(experiments, project)
    if options.jobs:
        failed = run_queue(experiments, project, logs, options.jobs)
    else:
        failed = run_in_turn(experiments, project, logs)
    words = [word for setting in options.set for word in ("-S", setting)]
    words += ["--name", options.name, *(("--jobs", str(options.jobs)) if options.jobs else ())]
    command = shlex.join(["python", "-m", "src.comparison", "--models", *options.models, *words])
    record = _recorded(options.reports) | {options.name: {"command": command, "failed": failed}}
    write_json(record, options.reports / "last.json")


if __name__ == "__main__":
    with user_errors():
        main()
