"""The compiled array against the clocked oracle: bits, cycles, overflows, toggles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.array import DATAFLOWS
from lls_hw.sim.array.registers import WordWidths, run_array
from tests.oracles import array as oracle

FLOWS = st.sampled_from(list(DATAFLOWS))


def by_oracle(a, b, array, words):
    given = (a.tolist(), b.tolist(), array.rows, array.cols, words.acc_bits, words.overflow == "wrap")
    flow = DATAFLOWS[array.dataflow]
    return oracle.clocked(*given, array.preload_hidden, sums_stay=flow.sums_stay, transposed=flow.is_transposed)


def operands(rng, sizes, bits, extreme):
    m, k, n = sizes
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    if extreme:
        return np.full((m, k), low), rng.choice([low, high], (k, n))
    return rng.integers(low, high + 1, (m, k)), rng.integers(low, high + 1, (k, n))


@given(
    st.tuples(*[st.integers(1, 11)] * 3),
    st.tuples(*[st.integers(1, 5)] * 2),
    FLOWS,
    st.integers(2, 16),
    st.integers(2, 34),
    st.sampled_from(["saturate", "wrap"]),
    st.booleans(),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
@settings(max_examples=200, deadline=None)
def test_bits_cycles_overflows__oracle(sizes, sides, dataflow, bits, acc_bits, overflow, hidden, extreme, seed):
    a, b = operands(np.random.default_rng(seed), sizes, bits, extreme)
    array = ArraySpec(rows=sides[0], cols=sides[1], dataflow=dataflow, preload_hidden=hidden)
    words = WordWidths(acc_bits=acc_bits, overflow=overflow)
    wanted = by_oracle(a, b, array, words)
    run = run_array(a, b, array, words)
    assert run.outputs.tolist() == wanted.outputs
    assert (run.cycles, run.overflows, run.counters.macs) == (wanted.cycles, wanted.overflows, wanted.macs)


@given(st.tuples(*[st.integers(1, 70)] * 3), FLOWS, st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_wide_accumulators_give_the_plain_product(sizes, dataflow, seed):
    a, b = operands(np.random.default_rng(seed), sizes, 16, extreme=False)
    plain = a @ b
    array = ArraySpec(rows=8, cols=5, dataflow=dataflow)
    assert (run_array(a, b, array, WordWidths(acc_bits=48)).outputs == plain).all()
    small = a.astype(np.int16), b.astype(np.int16)
    assert (run_array(*small, array, WordWidths(acc_bits=48)).outputs == plain).all()


def test_int8_operands_do_not_wrap_in_the_product():
    a, b = np.full((2, 600), -128, np.int8), np.full((600, 3), -128, np.int8)
    run = run_array(a, b, ArraySpec(rows=16, cols=16))
    assert (run.outputs == 600 * 128 * 128).all()
    assert run.overflows == 0


def test_order_of_saturation_differs_between_dataflows():
    a, b, words = np.array([[7, 7, -7, -7]]), np.array([[7], [7], [7], [7]]), WordWidths(acc_bits=7)
    by_folds = run_array(a, b, ArraySpec(rows=2, cols=1), words)  # (49 + 49 -> 63) then (-49 - 49 -> -64)
    assert (by_folds.outputs.item(), by_folds.overflows) == (-1, 2)
    by_terms = run_array(a, b, ArraySpec(rows=2, cols=1, dataflow="os"), words)  # 49, 63, 14, -35
    assert (by_terms.outputs.item(), by_terms.overflows) == (-35, 1)


def test_toggles_of_one_element():
    run = run_array(
        np.array([[3], [0], [-1]]), np.array([[1]]), ArraySpec(rows=1, cols=1), WordWidths(operand_bits=4, acc_bits=8)
    )
    assert run.counters.operand_toggles == 2 + 2 + 4  # 0000 -> 0011 -> 0000 -> 1111
    assert run.counters.sum_toggles == 2 + 2 + 8
    assert run.counters.stationary_toggles == run.counters.swap_toggles == 1


def test_record_shows_the_skew():
    array = ArraySpec(rows=2, cols=2, preload_hidden=True)
    run = run_array(np.array([[1, 2], [3, 4]]), np.array([[5, 6], [7, 8]]), array, record_cycles=100)
    assert run.record is not None
    assert run.record.moving.shape == (run.cycles, 2, 2)
    assert run.record.moving_valid[:, 0, 0].tolist() == [0, 0, 1, 1, 0, 0]
    assert run.record.moving_valid[:, 1, 1].tolist() == [0, 0, 0, 0, 1, 1]
    assert run.record.sums[-1, 1, 1] == run.outputs[1, 1] == 50


def test_impossible_words_and_arrays_are_refused():
    with pytest.raises(SpecError, match=r"^array\.acc_bits = 63: it must lie between 2 and 62\. Use 2 to 62\.$"):
        WordWidths(acc_bits=63)
    one = np.ones((1, 1), np.int64)
    with pytest.raises(SpecError, match=r"^array\.rows = 2000: it takes a whole number from 1 to 1024\."):
        run_array(one, one, ArraySpec(rows=2000, cols=1))
    with pytest.raises(SpecError, match=r"^array\.dataflow = 'rs': the dataflows are ws, os, is\. Choose one\.$"):
        run_array(one, one, ArraySpec(rows=2, cols=2, dataflow="rs"))


def test_impossible_operands_are_refused():
    array, words = ArraySpec(rows=2, cols=2), WordWidths(operand_bits=4)
    one = np.ones((1, 1), np.int64)
    with pytest.raises(
        SpecError, match=r"^array\.b = 8: an operand has 4 bits\. Raise operand_bits or narrow the operand\.$"
    ):
        run_array(one, 8 * one, array, words)
    with pytest.raises(SpecError, match=r"^array\.operands = \(\(1, 1\), \(2, 1\)\): the product needs non-empty"):
        run_array(one, np.ones((2, 1), np.int64), array, words)
