"""A typed view of params.yaml: every key checked by name, type and range before a stage starts.

The comments in params.yaml say what each key means; here stand its type and bounds.
"""

from src.params.data import Data, FolderSet
from src.params.loading import load, parse
from src.params.model import Model
from src.params.sections import Benchmark, Engine, Evaluate, Export, Filter, Params, Preprocess, Tracking
from src.params.training import Augment, Loss, Train

__all__ = [
    "Augment",
    "Benchmark",
    "Data",
    "Engine",
    "Evaluate",
    "Export",
    "Filter",
    "FolderSet",
    "Loss",
    "Model",
    "Params",
    "Preprocess",
    "Tracking",
    "Train",
    "load",
    "parse",
]
