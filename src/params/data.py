"""The section `data`: which sources, and the options of each."""

from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator

from src.params.base import Name, Section, Seed, Share
from src.params.synthetic import Synthetic

SourceName = Literal["synthetic", "folder", "skyfinder", "ade20k", "cityscapes", "bdd100k", "camvid"]
Path = Annotated[str, Field(min_length=1)]
Byte = Annotated[int, Field(ge=0, le=255)]
Colour = Annotated[list[Byte], Field(min_length=3, max_length=3)]
Cameras = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]


class FolderSet(Section):
    images: str = Field(min_length=1)
    masks: str = Field(min_length=1)
    classes: dict[str, Byte | Colour | Literal["rest"]] = Field(min_length=1)
    group: str | None
    splits: str | None
    sequences: bool = False
    licence: str

    @field_validator("masks")
    @classmethod
    def _names_the_image(cls, pattern: str) -> str:
        if "{path}" not in pattern and "{stem}" not in pattern:
            raise ValueError("must contain {path} or {stem}, or every image would get the same mask")
        return pattern


class Folder(Section):
    root: Path
    sets: dict[Name, FolderSet] = Field(min_length=1)

    @field_validator("sets")
    @classmethod
    def _no_clash(cls, sets: dict[str, FolderSet]) -> dict[str, FolderSet]:
        if taken := sorted(set(sets) & set(get_args(SourceName)) - {"folder"}):
            raise ValueError(f"a set cannot be called {taken[0]}: that is a built-in source")
        return sets


class SkyFinder(Section):
    cameras: Cameras | None
    images_per_camera: int = Field(ge=1)
    val_cameras: Cameras | None
    test_cameras: Cameras | None


class ADE20K(Section):
    root: Path | None
    negatives: Share


class Cityscapes(Section):
    root: Path | None


class BDD100K(Section):
    root: Path
    task: Literal["drivable", "semantic"]


class CamVid(Section):
    root: Path


class Data(Section):
    sources: list[SourceName] = Field(min_length=1)
    seed: Seed
    synthetic: Synthetic
    folder: Folder
    skyfinder: SkyFinder
    ade20k: ADE20K
    cityscapes: Cityscapes
    bdd100k: BDD100K
    camvid: CamVid

    def source_names(self) -> list[str]:
        """What `sources` brings, by name: each built-in source, and each set of `folder`."""
        return [name for source in self.sources for name in (self.folder.sets if source == "folder" else [source])]

    @field_validator("sources")
    @classmethod
    def _once_each(cls, sources: list[str]) -> list[str]:
        if len(set(sources)) < len(sources):
            raise ValueError("a source is listed twice")
        return sources
