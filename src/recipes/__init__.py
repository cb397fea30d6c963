"""Recipes: named overlays of params.yaml that reproduce a known system; `python -m src.recipes --help`."""
