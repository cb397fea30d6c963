"""filter-sky: data/raw -> data/index.parquet, a row per image, kept in a split or dropped for a reason."""

from pathlib import Path

from src import params
from src.data.contact_sheet import contact_sheet
from src.data.index import fraction_histogram, index_metrics, native_lookups, write_index
from src.data.raw import raw_folders
from src.data.selection import select
from src.data.splits import groups_across_splits
from src.errors import user_errors
from src.labels import ClassTable
from src.records import METRICS, write_metrics, write_table


def main() -> None:
    settings = params.load()
    table = ClassTable.from_labels(settings.labels)
    raw = raw_folders(Path("data/raw"))
    rows = select(raw, table, settings.filter, settings.evaluate.unseen)
    kept = [row for row in rows if row.kept]
    shared = groups_across_splits([f"{row.source}/{row.group}" for row in kept], [row.split for row in kept])
    if shared:
        print(f"warning: the official split cuts through {len(shared)} groups: {', '.join(shared[:5])}", flush=True)
    write_index(rows, Path("data/index.parquet"))
    write_metrics("filter_sky", index_metrics(rows) | {"groups_across_splits": len(shared)})
    write_table(fraction_histogram(rows), METRICS / "filter_sky.csv")
    contact_sheet(rows, native_lookups(raw, table), table.classes, Path("reports/filter/contact_sheet.png"))


if __name__ == "__main__":
    with user_errors():
        main()
