"""preprocess: the kept images of data/index.parquet -> data/prepared, shards at the size that training reads."""

from pathlib import Path

from src import params
from src.data.index import native_lookups, read_index
from src.data.pack import write_shards
from src.data.raw import raw_folders
from src.data.splits import UNSEEN
from src.errors import user_errors
from src.labels import ClassTable
from src.records import write_metrics


def main() -> None:
    settings = params.load()
    table = ClassTable.from_labels(settings.labels)
    raw = raw_folders(Path("data/raw"))
    # An unseen set is scored from its originals; neither the shards nor the model's list of training data knows it.
    seen = [row for row in read_index(Path("data/index.parquet")) if row.split != UNSEEN]
    manifest = write_shards(
        seen,
        native_lookups(raw, table),
        table,
        settings.preprocess,
        {folder.name: folder.licence for folder in raw},
        Path("data/prepared"),
    )
    channels = {
        name: dict(zip("rgb", values, strict=True)) for name, values in (("mean", manifest.mean), ("std", manifest.std))
    }
    write_metrics("preprocess", {"images": manifest.images, "class_share": manifest.class_share, **channels})


if __name__ == "__main__":
    with user_errors():
        main()
