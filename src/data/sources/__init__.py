"""Every source of labelled photographs, by its name in `data.sources`."""

from pathlib import Path

from src.data.raw import Source
from src.data.sources.folder import FolderSource
from src.data.sources.synthetic import SyntheticSource
from src.params import Data


def build_sources(data: Data) -> list[Source]:
    """The sources that params ask for, in their order; `folder` gives one per set."""
    sources: list[Source] = []
    for name in data.sources:
        if name == "synthetic":
            sources.append(SyntheticSource(seed=data.seed, **data.synthetic.model_dump()))
        else:
            root = Path(data.folder.root)
            sources += [FolderSource(key, root, **one.model_dump()) for key, one in data.folder.sets.items()]
    return sources
