"""Accumulators of a given size: registers, closed form and plain-Python array agree on turns, banks, carried sums."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.array import DATAFLOWS
from lls_hw.sim.array.closed_form import array_accesses, array_cycles, array_turns
from lls_hw.sim.array.registers import WordWidths, run_array
from tests.oracles import array as oracle

ARRAYS = st.builds(ArraySpec, rows=st.integers(1, 6), cols=st.integers(1, 5),
                   dataflow=st.sampled_from(list(DATAFLOWS)), preload_hidden=st.booleans())  # fmt: skip
SIZES = st.tuples(*[st.integers(1, 14)] * 3)
WORDS = st.builds(WordWidths, acc_bits=st.integers(8, 24), overflow=st.sampled_from(["saturate", "wrap"]),
                  operand_bits=st.just(8))  # fmt: skip


def operands(sizes, seed):
    (m, k, n), rng = sizes, np.random.default_rng(seed)
    return rng.integers(-128, 128, (m, k)), rng.integers(-128, 128, (k, n))


def clocked(a, b, array, words, **sums):
    flow = DATAFLOWS[array.dataflow]
    given = (a.tolist(), b.tolist(), array.rows, array.cols, words.acc_bits, words.overflow == "wrap")
    return oracle.clocked(*given, array.preload_hidden, sums_stay=flow.sums_stay, transposed=flow.is_transposed, **sums)


def sums_a_column(sizes, array):
    """Sums that gather below the first column of the grid, and those of one fold."""
    flow = DATAFLOWS[array.dataflow]
    m, _, n = sizes
    down, across = (n, m) if flow.is_transposed else (m, n)
    return down * -(-across // array.cols), min(down, array.rows) if flow.sums_stay else 1


@given(SIZES, ARRAYS, WORDS, st.integers(1, 20), st.integers(0, 999))
@settings(max_examples=250, deadline=None)
def test_banks__registers_closed_form_and_oracle_agree(sizes, array, words, bank, seed):
    total, least = sums_a_column(sizes, array)
    bank = max(bank, least)
    a, b = operands(sizes, seed)
    run = run_array(a, b, array, words, bank_entries=bank)
    wanted = clocked(a, b, array, words, bank=bank)
    assert run.outputs.tolist() == wanted.outputs
    assert (run.cycles, run.overflows, run.counters.macs) == (wanted.cycles, wanted.overflows, wanted.macs)
    turns = 1 if total <= bank else array_turns(*sizes, array, bank)
    assert run.cycles == array_cycles(*sizes, array, turns=turns)
    counted, accesses = asdict(run.counters), asdict(array_accesses(*sizes, array, turns=turns))
    assert accesses == {name: counted[name] for name in accesses}


@given(SIZES, ARRAYS, WORDS, st.integers(1, 20), st.integers(0, 999))
@settings(max_examples=120, deadline=None)
def test_banks__change_no_bit_of_a_sum(sizes, array, words, bank, seed):
    """Turns cut rows, and k never: every addition is made in the same order, whatever the accumulators hold."""
    a, b = operands(sizes, seed)
    bank = max(bank, sums_a_column(sizes, array)[1])
    small, unlimited = run_array(a, b, array, words, bank_entries=bank), run_array(a, b, array, words)
    assert (small.outputs == unlimited.outputs).all()
    assert small.overflows == unlimited.overflows
    assert small.counters.accumulator_reads == unlimited.counters.accumulator_reads


@given(SIZES, ARRAYS, WORDS, st.integers(1, 12), st.integers(0, 999))
@settings(max_examples=120, deadline=None)
def test_carried_sums__a_product_in_two_parts_of_k(sizes, array, words, more, seed):
    """The second part of k finds the first one's sums where it looks for them, and adds to them."""
    m, k, n = sizes
    a, b = operands((m, k + more, n), seed)
    first = run_array(a[:, :k], b[:k], array, words)
    second = run_array(a[:, k:], b[k:], array, words, sums=first.outputs)
    wanted = clocked(a[:, k:], b[k:], array, words, carried=first.outputs.tolist())
    assert second.outputs.tolist() == wanted.outputs
    assert (second.cycles, second.overflows) == (wanted.cycles, wanted.overflows)
    fresh = run_array(a[:, k:], b[k:], array, words).counters
    assert second.counters.accumulator_reads == fresh.accumulator_reads + m * n
    wide = WordWidths(acc_bits=40)
    first = run_array(a[:, :k], b[:k], array, wide)
    assert (run_array(a[:, k:], b[k:], array, wide, sums=first.outputs).outputs == a @ b).all()


@given(SIZES, ARRAYS, st.integers(1, 30), st.integers(0, 10))
@settings(max_examples=300, deadline=None)
def test_more_entries__never_cost_cycles_nor_reads(sizes, array, bank, more):
    small, large = (array_turns(*sizes, array, entries) for entries in (bank, bank + more))
    assert array_cycles(*sizes, array, turns=large) <= array_cycles(*sizes, array, turns=small)
    few, many = (array_accesses(*sizes, array, turns=turns) for turns in (large, small))
    assert few.a_reads + few.b_reads <= many.a_reads + many.b_reads


def test_turns_by_hand():
    """Seven rows through two-entry banks: turns of 2, 2, 2 and 1; on a hidden 2 x 2 array two k folds of 2 weights."""
    array = ArraySpec(rows=2, cols=2)
    assert array_turns(7, 4, 2, array, 2) == 4
    # 2 to load; folds begin 2 apart but for the last turn's row, which waits for 2 weights; 2 + 2 - 2 of skew and 1 row
    assert array_cycles(7, 4, 2, array, turns=4) == 2 + 7 * 2 + 1 + 2 + 2 - 2
    assert array_accesses(7, 4, 2, array, turns=4).b_reads == 4 * 8


def test_accumulators_too_small_are_refused():
    ones = np.ones((6, 3), np.int64), np.ones((3, 6), np.int64)
    with pytest.raises(
        SpecError, match=r"^accumulators\.entries = 2: a fold finishes 3 sums a column\. Use as many\.$"
    ):
        run_array(*ones, ArraySpec(rows=3, cols=2, dataflow="os"), bank_entries=2)
    with pytest.raises(SpecError, match=r"^accumulators\.entries = 4: 18 sums a column must stay for the next part"):
        run_array(*ones, ArraySpec(rows=3, cols=2), bank_entries=4, sums=np.zeros((6, 6), np.int64))
