"""The compiled array and its tiled twin against the clocked oracle: bits, cycles, overflows, toggles."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.array.registers import ArrayForm, run_array, tiled_matmul
from tests.oracles import array as oracle

FLOWS = st.sampled_from(["ws", "os", "is"])


def by_oracle(a, b, form):
    wraps = form.overflow == "wrap"
    if form.dataflow == "os":
        return oracle.output_stationary(a.tolist(), b.tolist(), form.rows, form.cols, form.acc_bits, wraps)
    run = oracle.weight_stationary if form.dataflow == "ws" else oracle.input_stationary
    return run(a.tolist(), b.tolist(), form.rows, form.cols, form.acc_bits, wraps, form.preload_hidden)


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
    form = ArrayForm(
        rows=sides[0], cols=sides[1], dataflow=dataflow, acc_bits=acc_bits, overflow=overflow, preload_hidden=hidden
    )
    wanted = by_oracle(a, b, form)
    run = run_array(a, b, form)
    assert run.outputs.tolist() == wanted.outputs
    assert (run.cycles, run.overflows, run.counters.macs) == (wanted.cycles, wanted.overflows, wanted.macs)
    tiled = {"rows": sides[0], "cols": sides[1], "dataflow": dataflow, "acc_bits": acc_bits, "overflow": overflow}
    outputs, overflows = tiled_matmul(a, b, **tiled)
    assert (outputs.tolist(), overflows) == (wanted.outputs, wanted.overflows)


@given(st.tuples(*[st.integers(1, 70)] * 3), FLOWS, st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_wide_accumulators_give_the_plain_product(sizes, dataflow, seed):
    a, b = operands(np.random.default_rng(seed), sizes, 16, extreme=False)
    plain = a @ b
    form = {"rows": 8, "cols": 5, "dataflow": dataflow}
    assert (run_array(a, b, ArrayForm(**form, acc_bits=48)).outputs == plain).all()
    assert (tiled_matmul(a, b, **form, acc_bits=48)[0] == plain).all()
    small = a.astype(np.int16), b.astype(np.int16)
    assert (tiled_matmul(*small, **form, acc_bits=48)[0] == plain).all()


def test_int8_operands_do_not_wrap_in_the_product():
    a, b = np.full((2, 600), -128, np.int8), np.full((600, 3), -128, np.int8)
    outputs, overflows = tiled_matmul(a, b, rows=16, cols=16, dataflow="ws", acc_bits=32)
    assert (outputs == 600 * 128 * 128).all()
    assert overflows == 0


def test_order_of_saturation_differs_between_dataflows():
    a, b = np.array([[7, 7, -7, -7]]), np.array([[7], [7], [7], [7]])
    form = {"rows": 2, "cols": 1, "acc_bits": 7}
    by_folds = tiled_matmul(a, b, **form, dataflow="ws")  # (49 + 49 -> 63) then (-49 - 49 -> -64)
    assert (by_folds[0].item(), by_folds[1]) == (-1, 2)
    by_terms = tiled_matmul(a, b, **form, dataflow="os")  # 49, 63, 14, -35
    assert (by_terms[0].item(), by_terms[1]) == (-35, 1)


def test_toggles_of_one_element():
    run = run_array(np.array([[3], [0], [-1]]), np.array([[1]]), ArrayForm(rows=1, cols=1, operand_bits=4, acc_bits=8))
    assert run.counters.operand_toggles == 2 + 2 + 4  # 0000 -> 0011 -> 0000 -> 1111
    assert run.counters.sum_toggles == 2 + 2 + 8
    assert run.counters.stationary_toggles == run.counters.swap_toggles == 1


def test_record_shows_the_skew():
    form = ArrayForm(rows=2, cols=2, preload_hidden=True)
    run = run_array(np.array([[1, 2], [3, 4]]), np.array([[5, 6], [7, 8]]), form, record_cycles=100)
    assert run.record is not None
    assert run.record.moving.shape == (run.cycles, 2, 2)
    assert run.record.moving_valid[:, 0, 0].tolist() == [0, 0, 1, 1, 0, 0]
    assert run.record.moving_valid[:, 1, 1].tolist() == [0, 0, 0, 0, 1, 1]
    assert run.record.sums[-1, 1, 1] == run.outputs[1, 1] == 50


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": 0}, r"^array\.rows = 0: it must lie between 1 and 1024\. Use 1 to 1024\.$"),
        ({"acc_bits": 63}, r"^array\.acc_bits = 63: it must lie between 2 and 62\. Use 2 to 62\.$"),
    ],
)
def test_impossible_arrays_are_refused(change, message):
    with pytest.raises(SpecError, match=message):
        ArrayForm(**{"rows": 2, "cols": 2, **change})


def test_impossible_operands_are_refused():
    form = ArrayForm(rows=2, cols=2, operand_bits=4)
    one = np.ones((1, 1), np.int64)
    with pytest.raises(
        SpecError, match=r"^array\.b = 8: an operand has 4 bits\. Raise operand_bits or narrow the operand\.$"
    ):
        run_array(one, 8 * one, form)
    with pytest.raises(SpecError, match=r"^array\.operands = \(\(1, 1\), \(2, 1\)\): the product needs non-empty"):
        run_array(one, np.ones((2, 1), np.int64), form)
