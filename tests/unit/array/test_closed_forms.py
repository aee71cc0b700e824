"""Closed forms against the clocked oracle and against the compiled array, everywhere a property test reaches."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.array import DATAFLOWS
from lls_hw.sim.array.closed_form import array_accesses, array_cycles, array_utilization, mapping_efficiency
from lls_hw.sim.array.registers import run_array
from tests.oracles import array as oracle

SIZES = st.tuples(*[st.integers(1, 13)] * 3)
SIDES = st.tuples(st.integers(1, 6), st.integers(1, 6))
FLOWS = st.sampled_from(list(DATAFLOWS))


def clocked(m, k, n, array):
    flow, ones = DATAFLOWS[array.dataflow], ([[1] * k] * m, [[1] * n] * k)
    given = (*ones, array.rows, array.cols, 32, False, array.preload_hidden)
    return oracle.clocked(*given, sums_stay=flow.sums_stay, transposed=flow.is_transposed)


@given(SIZES, SIDES, FLOWS, st.booleans())
@settings(max_examples=120, deadline=None)
def test_cycles__oracle(sizes, sides, dataflow, hidden):
    rows, cols = sides
    array = ArraySpec(rows=rows, cols=cols, dataflow=dataflow, preload_hidden=hidden)
    run = clocked(*sizes, array)
    assert run.macs == sizes[0] * sizes[1] * sizes[2]
    assert run.cycles == array_cycles(*sizes, array)


@given(st.tuples(*[st.integers(1, 40)] * 3), st.tuples(*[st.integers(1, 9)] * 2), FLOWS, st.booleans())
@settings(max_examples=300, deadline=None)
def test_cycles_and_accesses__compiled_array(sizes, sides, dataflow, hidden):
    m, k, n = sizes
    rows, cols = sides
    array = ArraySpec(rows=rows, cols=cols, dataflow=dataflow, preload_hidden=hidden)
    run = run_array(np.ones((m, k), np.int64), np.ones((k, n), np.int64), array)
    assert run.cycles == array_cycles(m, k, n, array)
    counted = asdict(run.counters)
    assert asdict(array_accesses(m, k, n, array)) == {
        name: counted[name] for name in asdict(array_accesses(1, 1, 1, array))
    }


@given(SIZES, SIDES, FLOWS)
@settings(max_examples=60, deadline=None)
def test_full_edges_are_operands_padded_with_zeros(sizes, sides, dataflow):
    rows, cols = sides
    m, k, n = sizes
    units = DATAFLOWS[dataflow].axes(1, rows, cols)
    m2, k2, n2 = (-(-size // unit) * unit for size, unit in zip(sizes, units, strict=True))
    array = ArraySpec(rows=rows, cols=cols, dataflow=dataflow)
    assert array_cycles(m, k, n, array, edges="full") == array_cycles(m2, k2, n2, array)
    assert array_cycles(m, k, n, array, edges="full") >= array_cycles(m, k, n, array)


@pytest.mark.parametrize(("dataflow", "cycles"), [("ws", 2 * 16 + 8 + 20 - 2), ("is", 66), ("os", 2 * 16 + 8 + 20 - 2)])
def test_one_full_fold(dataflow, cycles):
    m, k, n = {"ws": (20, 16, 8), "is": (8, 16, 28), "os": (16, 20, 8)}[dataflow]
    assert array_cycles(m, k, n, ArraySpec(rows=16, cols=8, dataflow=dataflow)) == cycles


def test_the_pointwise_layer_of_the_design():
    array = ArraySpec(rows=16, cols=16, dataflow="ws")
    assert array_cycles(64, 512, 512, array) == 65582
    assert array_cycles(64, 512, 512, array.model_copy(update={"preload_hidden": False})) == 80927
    assert array_utilization(64, 512, 512, array) == pytest.approx(0.99930, abs=1e-5)
    assert mapping_efficiency(64, 24, 512, array) == 0.75


def test_accesses_add():
    one = array_accesses(3, 4, 5, ArraySpec(rows=2, cols=2, dataflow="ws"))
    assert (one + one).a_reads == 2 * one.a_reads == 2 * 3 * 4 * 3


def test_a_size_of_zero_is_refused():
    with pytest.raises(SpecError, match=r"^array\.k = 0: every size must be positive\. Use 1 or more\.$"):
        array_cycles(1, 0, 1, ArraySpec(rows=2, cols=2, dataflow="ws"))
