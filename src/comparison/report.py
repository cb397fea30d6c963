"""A comparison as tables for programs and people, and as one page that needs nothing beside it."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path

from src.comparison.plot import draw
from src.comparison.rows import Column, Row, best_of, columns_of
from src.files import write_whole
from src.records import write_table

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 1180px; margin: 2.5rem auto; padding: 0 1.5rem; }
h1 { font-size: 1.7rem; margin-bottom: .2rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p.note { color: #666; margin-top: 0; } svg { width: 100%; height: auto; }
div.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .7rem; text-align: right; border-bottom: 1px solid #e4e4e4; } td { white-space: nowrap; }
th { border-bottom: 2px solid #888; cursor: pointer; font-weight: 600; vertical-align: bottom; line-height: 1.25; }
th:hover { background: #f2f6fc; }
th:first-child, td:first-child { text-align: left; position: sticky; left: 0; background: #fff; }
td.best { font-weight: 700; color: #1f5fbf; } code { background: #f4f4f4; padding: .15rem .35rem; }
pre { background: #f4f4f4; padding: .8rem 1rem; overflow-x: auto; } li { margin: .3rem 0; }
"""
# A click on a heading sorts by it, a second one the other way round; what lacks the figure stays below.
SCRIPT = """
document.querySelectorAll("th").forEach((head, column) => head.addEventListener("click", () => {
  const body = document.querySelector("tbody"), down = head.dataset.down !== "yes";
  document.querySelectorAll("th").forEach(other => delete other.dataset.down);
  if (down) head.dataset.down = "yes";
  const value = row => column ? parseFloat(row.cells[column].dataset.value) : row.cells[0].textContent;
  const missing = value => value !== value;
  [...body.rows].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (missing(x) || missing(y)) return missing(x) - missing(y);
    return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
  }).forEach(row => body.append(row));
}));
"""


def write_report(
    rows: Sequence[Row], failed: Mapping[str, str], *, command: str, revision: str, machine: str, folder: Path
) -> None:
    """Writes `comparison.csv` (figures as they are), `comparison.md`, `comparison.png` and `comparison.html`.

    Args:
        rows: at least one, best first.
        failed: why, by experiment, for those that did not finish.
        command: that repeats the comparison.
        revision: the commit that the experiments started from.
        machine: that latencies were measured on.
        folder: made where it is missing.
    """
    columns = columns_of(rows)
    write_table(
        [
            {"model": row.model, "experiment": row.name, **{c.key: row.figures.get(c.key) for c in columns}}
            for row in rows
        ],
        folder / "comparison.csv",
    )
    note = f"commit {revision[:10]}, {machine}"
    svg = draw(rows, folder / "comparison.png")
    write_whole(folder / "comparison.md", _markdown(rows, columns, failed, command, note).encode())
    write_whole(folder / "comparison.html", _page(rows, columns, failed, command, note, svg).encode())


def table(rows: Sequence[Row], columns: Sequence[Column]) -> str:
    """A Markdown table, the best figure of each column in bold."""
    lines = [["model", *(column.title for column in columns)], ["---"] * (len(columns) + 1)]
    for row in rows:
        cells = [(_text(row, column), _is_best(row, column, rows)) for column in columns]
        lines.append([row.model, *(f"**{text}**" if best else text for text, best in cells)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _markdown(
    rows: Sequence[Row], columns: Sequence[Column], failed: Mapping[str, str], command: str, note: str
) -> str:
    parts = ["# Models compared", note, f"```sh\n{command}\n```", table(rows, columns), "![](comparison.png)"]
    if failed:
        parts += ["Not finished:", "\n".join(f"- {name}: {why}" for name, why in failed.items())]
    return "\n\n".join(parts) + "\n"


def _page(
    rows: Sequence[Row], columns: Sequence[Column], failed: Mapping[str, str], command: str, note: str, svg: str
) -> str:
    heads = "".join(f"<th>{html.escape(title)}</th>" for title in ("model", *(column.title for column in columns)))
    body = "\n".join(f"<tr><td>{html.escape(row.model)}</td>{_cells(row, columns, rows)}</tr>" for row in rows)
    items = "".join(f"<li><code>{html.escape(name)}</code>: {html.escape(why)}</li>" for name, why in failed.items())
    broken = f"<h2>Not finished</h2><ul>{items}</ul>" if failed else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Models compared</title><style>{STYLE}</style></head><body>
<h1>Models compared</h1><p class="note">{html.escape(note)}. Test split unless the column says otherwise; the best
figure of a column in blue; a click on a heading sorts.</p>
<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>
{body}
</tbody></table></div>
{broken}
{svg}
<h2>Repeat it</h2><pre>{html.escape(command)}</pre>
<script>{SCRIPT}</script></body></html>
"""


def _cells(row: Row, columns: Sequence[Column], rows: Sequence[Row]) -> str:
    return "".join(
        f'<td{" class=best" if _is_best(row, column, rows) else ""} data-value="{row.figures.get(column.key, "")}">'
        f"{_text(row, column)}</td>"
        for column in columns
    )


def _text(row: Row, column: Column) -> str:
    figure = row.figures.get(column.key)
    return "-" if figure is None else f"{figure * column.scale:.{column.digits}f}"


def _is_best(row: Row, column: Column, rows: Sequence[Row]) -> bool:
    best = best_of(rows, column)
    return best is not None and row.figures.get(column.key) == best
