"""Procedural scenes with exact sky masks: photographs nobody has to label. See `scene` and `clip`."""

from src.data.synthesis.clip import render_clip
from src.data.synthesis.options import SceneOptions
from src.data.synthesis.scene import CLASSES, Scene, render_scene

__all__ = ["CLASSES", "Scene", "SceneOptions", "render_clip", "render_scene"]
