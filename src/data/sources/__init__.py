"""Every source of labelled photographs, by its name in `data.sources`."""

from collections.abc import Mapping
from pathlib import Path

from src.data.raw import Source
from src.data.sources.ade20k import ADE20KSource
from src.data.sources.bdd100k import BDD100KSource
from src.data.sources.camvid import CamVidSource
from src.data.sources.cityscapes import CityscapesSource
from src.data.sources.folder import FolderSource
from src.data.sources.skyfinder import SkyFinderSource
from src.data.sources.synthetic import SyntheticSource, scene_options
from src.params import Data


def build_sources(data: Data, work: Path, environment: Mapping[str, str]) -> list[Source]:
    """The sources that params ask for, in their order; `folder` gives one per set.

    Args:
        data: the section of params.
        work: where downloads wait, and survive an interruption.
        environment: for CITYSCAPES_USERNAME and CITYSCAPES_PASSWORD.
    """
    return [source for name in data.sources for source in _build(name, data, work / name, environment)]


def _build(name: str, data: Data, work: Path, environment: Mapping[str, str]) -> list[Source]:
    match name:
        case "synthetic":
            one = data.synthetic
            size = {"scenes": one.scenes, "width": one.width, "height": one.height}
            return [SyntheticSource(seed=data.seed, **size, options=scene_options(one))]
        case "folder":
            root = Path(data.folder.root)
            return [FolderSource(key, root, **one.model_dump()) for key, one in data.folder.sets.items()]
        case "skyfinder":
            return [SkyFinderSource(work=work, **data.skyfinder.model_dump())]
        case "ade20k":
            return [ADE20KSource(work=work, root=_path(data.ade20k.root), negatives=data.ade20k.negatives)]
        case "cityscapes":
            login = environment.get("CITYSCAPES_USERNAME"), environment.get("CITYSCAPES_PASSWORD")
            credentials = login if all(login) else None
            return [CityscapesSource(work=work, root=_path(data.cityscapes.root), credentials=credentials)]
        case "bdd100k":
            return [BDD100KSource(root=Path(data.bdd100k.root), task=data.bdd100k.task)]
        case "camvid":
            return [CamVidSource(root=Path(data.camvid.root))]
    raise ValueError(f"no source is called {name}")


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text)
