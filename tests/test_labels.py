import numpy as np
import pytest

from src.errors import UserError
from src.labels import VOID, ClassTable


def test_native_names_become_target_indices_and_void_stays_void():
    table = ClassTable.from_labels({"sky": ["sky", "cloud"]})
    target, known = table.lookup({"road": 0, "sky": 3, "cloud": 7, "void": 11}, "toy")
    assert table.names == ("background", "sky")
    assert [int(target[v]) for v in (0, 3, 7, 11)] == [0, 1, 1, VOID]
    assert np.flatnonzero(known).tolist() == [0, 3, 7, 11]
    assert (target[~known] == VOID).all()


def test_several_target_classes_keep_their_order_and_colours_differ():
    table = ClassTable.from_labels({"direct": ["direct"], "alternative": ["alternative"]})
    target, _ = table.lookup({"direct": 1, "alternative": 2, "background": 0}, "lanes")
    assert target[:3].tolist() == [0, 1, 2]
    assert len({c.colour for c in table.classes}) == 3


def test_a_source_without_any_wanted_class_is_refused():
    with pytest.raises(UserError, match="has none of the classes"):
        ClassTable.from_labels({"sky": ["sky"]}).lookup({"heaven": 1}, "toy")
