"""Gradients of several batches: summed at scales of their own, exactly as fractions say, and updated once."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lls_hw.models.program.lower import lower
from lls_hw.models.program.ops.accumulate import Accumulate
from lls_hw.models.program.ops.update import Update
from lls_hw.models.reference.step import training_step
from lls_hw.models.rules.registry import parse_rule
from lls_hw.sim.functional.accumulate import common_frac, share_of
from lls_hw.sim.functional.readback import Value, real, real_parameter
from lls_hw.sim.kernels.accumulate import add_aligned
from lls_hw.sim.kernels.requant import container
from tests.oracles import accumulate as oracle
from tests.unit.functional import small


@st.composite
def operands(draw):
    """Two lists of codes of one width, their scales, and the width."""
    bits = draw(st.sampled_from([16, 32, 48]))
    top = 2 ** (bits - 1)
    code = st.integers(-top, top - 1) | st.integers(-9, 9) | st.just(0)
    length = draw(st.integers(1, 6))
    a, b = (draw(st.lists(code, min_size=length, max_size=length)) for _ in range(2))
    return a, draw(st.integers(-20, 60)), b, draw(st.integers(-20, 60)), bits


@given(operands(), st.sampled_from([1, 2, 3, 5, 8, 1000]))
@example(([2**47 - 1], 0, [-(2**47)], 0, 48), 3)
@example(([0], 7, [5], 40, 32), 1)
@example(([0], 7, [0], 40, 32), 1)
@settings(max_examples=300, deadline=None)
def test_sum_and_mean__are_those_of_fractions(case, parts):
    a, a_frac, b, b_frac, bits = case
    codes = [np.array(one, container(bits)) for one in (a, b)]
    frac = common_frac(Value(codes[0], a_frac), Value(codes[1], b_frac), bits)
    assert frac == oracle.common(a, a_frac, b, b_frac, bits)
    factor, shift, more = share_of(parts)
    out = np.empty(len(a), container(bits))
    add_aligned(codes[0], a_frac - frac, codes[1], b_frac - frac, factor, shift, out)
    total = oracle.added(a, a_frac, b, b_frac, frac)
    assert max(map(abs, total)) < 2 ** (bits - 1)
    assert (out.tolist(), frac + more) == oracle.mean(total, frac, parts)


def machine(accumulate, bits="8", rule="lls_m", **widths):
    """An engine whose update takes several batches, at its first."""
    plain = small.engine(rule, bits, **widths).machine
    program = lower(
        plain.program.network, plain.program.rule, plain.program.precision,
        optimizer=plain.program.optimizer, batch=small.BATCH, accumulate=accumulate,
    )  # fmt: skip
    values = small.initial_values(program, small.parameters(program))
    return small.FunctionalEngine(program, values, small.load("chips", "edge_16x16", small.AcceleratorSpec, "--chip"))


@pytest.mark.parametrize(("accumulate", "bits"), [(2, "8"), (3, "8"), (5, "w4,a6,e5,m12,acc16"), (4, "16")])
def test_accumulate__every_sum_of_two_updates(accumulate, bits):
    """Each sum of the program from what it read, and the updates from the mean of as many batches."""
    engine, updated, summed = machine(accumulate, bits), 0, 0
    m = engine.machine
    for step in range(2 * accumulate):
        before = dict(m.values)

        def observe(record, before=before):
            op = m.program.ops[record.index]
            if isinstance(op, Accumulate):
                nonlocal summed
                summed += 1
                total, new, width = before[op.total], m.values[op.gradient], m.program.tensors[op.out].bits
                a, b = total.codes.ravel().tolist(), new.codes.ravel().tolist()
                frac = oracle.common(a, total.frac, b, new.frac, width)
                want = oracle.mean(oracle.added(a, total.frac, b, new.frac, frac), frac, op.share)
                assert (m.values[op.out].codes.ravel().tolist(), m.values[op.out].frac) == want

        engine.step(*small.images(m.program.precision.activation_bits, seed=step), observe)
        updates = sum(isinstance(op, Update) for op in m.program.ops)
        assert (updates > 0) == (step % accumulate == accumulate - 1)
        updated += updates
    assert summed == updated * (accumulate - 1) > 0


@pytest.mark.parametrize("rule", small.LEARNING)
def test_accumulate__equal_batches_update_as_one_of_them(rule):
    """Four times the same batch, rounded the same way: the mean is the gradient, and every master the same code."""
    how = {"scaling": "two_pass", "error_rounding": "half_up", "update_rounding": "nearest_even"}
    one, four = machine(1, rule=rule, **how), machine(4, rule=rule, **how)
    one.step(*small.images(8))
    for _ in range(4):
        four.step(*small.images(8))
    kept = [name for name, tensor in one.program.tensors.items() if tensor.kept and tensor.role != "statistic"]
    for name in kept:
        ours, theirs = four.machine.values[name], one.machine.values[name]
        assert (ours.codes.tolist(), ours.frac) == (theirs.codes.tolist(), theirs.frac), name


@pytest.mark.parametrize("rule", ["lls_m", "bp", "drtp"])
def test_accumulate__mean_gradient_is_that_of_float(rule):
    """At 16 bits: the mean over three batches, each with its own statistics, of the float reference's gradients.

    Scales are those of each batch: with three images the next one's errors leave a delayed scale.
    """
    engine = machine(3, "16", rule=rule, scaling="two_pass")
    m, program, expected = engine.machine, engine.program, {}
    names = small.parameter_shapes(program.network, program.rule)
    grid = {name: real_parameter(program, name, m.values) for name in names}
    for step in range(3):
        x, labels = small.images(16, seed=step)
        found = training_step(program.network, program.rule, program.optimizer, grid, {}, real(x), labels)
        for name, value in found.tensors.items():
            expected[name] = expected.get(name, 0) + value / 3
        engine.step(x, labels)
    for layer in ("a", "b.dw", "c", "classifier"):
        ours = real(m.values[f"{layer}/weight_grad@mean"]).ravel()
        theirs = np.asarray(expected[f"{layer}/weight_grad"], np.float64).ravel()
        assert ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs) > 0.999, layer
        assert np.linalg.norm(ours) == pytest.approx(np.linalg.norm(theirs), rel=0.05), layer


def test_programs__of_an_update():
    """First keeps, middle adds, last adds and updates; one update a parameter, whatever the number of batches."""
    program = lower(small.network(), parse_rule("lls_mxm", reduced_rows=2), batch=2, accumulate=5)
    assert [times for _, times in program.micro_steps] == [1, 3, 1]
    assert [program.micro_steps.index((program.at(i), t)) for i, t in enumerate((1, 3, 3, 3, 1))] == [0, 1, 1, 1, 2]
    assert program.at(5) is program.at(0)
    (first, _), (middle, _), (last, _) = program.micro_steps
    kinds = [[type(op) for op in part.ops if isinstance(op, Accumulate | Update)] for part in (first, middle, last)]
    count = len(kinds[1])
    assert kinds == [[], [Accumulate] * count, [Accumulate, Update] * count]
    assert {op.share for op in middle.ops if isinstance(op, Accumulate)} == {1}
    assert {op.share for op in last.ops if isinstance(op, Accumulate)} == {5}
    kept = {name for name, tensor in last.tensors.items() if tensor.kept and tensor.role == "gradient"}
    assert kept == {op.total for op in middle.ops if isinstance(op, Accumulate)}
    assert kept == {name for name, tensor in first.tensors.items() if tensor.kept and tensor.role == "gradient"}
    assert Fraction(*share_of(5)[:1], 2 ** sum(share_of(5)[1:])) == pytest.approx(Fraction(1, 5), rel=2**-15)
