"""How near the nearest point is, whichever tree is asked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st

from geo import point_tree

PLACES = st.lists(st.tuples(*[st.floats(-1e7, 1e7)] * 2), min_size=1, max_size=30)


@given(PLACES, PLACES)
def test_few_are_told_what_many_are_told(places, points):
    there, xy = np.array(points), np.array(places)
    by_hand = np.sqrt(((xy[:, None] - there[None]) ** 2).sum(axis=2)).min(axis=1)
    with pytest.MonkeyPatch.context() as patch:
        few = point_tree.metres_to_nearest(xy, there)
        patch.setattr(point_tree, "_MANY", 1)
        many = point_tree.metres_to_nearest(xy, there)
    assert few.tolist() == many.tolist()
    assert few == pytest.approx(by_hand, rel=1e-12)
