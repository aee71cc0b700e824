"""The closed forms give an array of sizes what they give each of its elements."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.sim.array.closed_form import array_accesses, array_cycles
from lls_hw.sim.mapping.array_work import depthwise_cycles

SIZES = st.lists(st.integers(1, 70), min_size=1, max_size=6)


@pytest.mark.parametrize("dataflow", ["ws", "os", "is"])
@settings(deadline=None, max_examples=60)
@given(m=SIZES, k=SIZES, n=SIZES, rows=st.integers(1, 9), cols=st.integers(1, 9), hidden=st.booleans())
def test_closed_forms__of_arrays_are_those_of_their_elements(dataflow, m, k, n, rows, cols, hidden):
    array = ArraySpec(rows=rows, cols=cols, dataflow=dataflow, preload_hidden=hidden)
    spread = np.meshgrid(m, k, n, indexing="ij")
    cycles, accesses = array_cycles(*spread, array), array_accesses(*spread, array)
    for at in np.ndindex(spread[0].shape):
        one = [int(size[at]) for size in spread]
        assert cycles[at] == array_cycles(*one, array)
        alone = array_accesses(*one, array)
        for name in type(alone).__dataclass_fields__:
            assert np.broadcast_to(getattr(accesses, name), spread[0].shape)[at] == getattr(alone, name), name


@settings(deadline=None, max_examples=30)
@given(channels=SIZES, m=SIZES, rows=st.integers(1, 20), cols=st.integers(1, 9))
def test_depthwise__of_arrays_is_that_of_their_elements(channels, m, rows, cols):
    array = ArraySpec(rows=rows, cols=cols)
    spread = np.meshgrid(channels, m, indexing="ij")
    found = depthwise_cycles(*spread, 9, 1, array)
    for at in np.ndindex(spread[0].shape):
        assert found[at] == depthwise_cycles(*(int(size[at]) for size in spread), 9, 1, array)
