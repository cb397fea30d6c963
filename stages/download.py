"""download: every source of data.sources into data/raw/<source>/, its licence printed first."""

import os
from pathlib import Path

from src import params
from src.data.raw import fill_raw_folder
from src.data.sources import build_sources
from src.errors import user_errors
from src.records import write_metrics


def main() -> None:
    figures = {}
    for source in build_sources(params.load().data, Path(".work/downloads"), os.environ):
        print(f"{source.name}: licence: {source.licence}", flush=True)
        figures[source.name] = fill_raw_folder(source, Path("data/raw") / source.name)
    write_metrics("download", figures)


if __name__ == "__main__":
    with user_errors():
        main()
