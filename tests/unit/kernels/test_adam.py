"""Adam's integers against fractions, its constants against the real ones, and its steps against PyTorch's."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lls_hw.models.program.names import gradient_of, master_of
from lls_hw.models.program.ops.update import Update
from lls_hw.models.reference.optimizers import momentum_step
from lls_hw.models.spec.rule import OptimizerSpec
from lls_hw.sim.functional.adam import BETA2_CODE, corrections, second_frac
from lls_hw.sim.functional.readback import real
from lls_hw.sim.kernels import adam as kernel_adam
from lls_hw.sim.kernels.tables import mantissa
from tests.oracles import adam as oracle
from tests.oracles import requant
from tests.unit.functional import small

CODES = st.integers(-(2**47), 2**47 - 1) | st.integers(-(2**31), 2**31 - 1) | st.integers(-5, 5) | st.just(0)


@given(
    moment=st.integers(0, 2**31 - 1) | st.integers(0, 9),
    moment_frac=st.integers(-30, 60).map(lambda half: 2 * half),
    gradient=st.lists(CODES, min_size=1, max_size=5),
    grad_frac=st.integers(-20, 70),
)
@example(moment=2**31 - 1, moment_frac=0, gradient=[-(2**47)], grad_frac=47)
@example(moment=0, moment_frac=0, gradient=[0], grad_frac=3)
@settings(max_examples=300, deadline=None)
def test_second_moment__exact_and_never_leaves_its_word(moment, moment_frac, gradient, grad_frac):
    peak = max(map(abs, gradient))
    frac = second_frac(moment, moment_frac, peak, grad_frac, 32)
    assert frac == oracle.second_scale([moment], moment_frac, gradient, grad_frac, 32)
    cut, wide = max(0, peak.bit_length() - 30), np.empty(len(gradient), np.int64)
    moments = np.full(len(gradient), moment, np.int32)
    shifts = moment_frac - frac, 2 * (grad_frac - cut) - frac - 24
    kernel_adam.second_moment_wide(np.array(gradient, np.int64), cut, moments, BETA2_CODE, *shifts, wide)
    how = {"moment_frac": moment_frac, "grad_frac": grad_frac, "cut": cut, "frac": frac}
    assert wide.tolist() == [oracle.second_moment(moment, gradient=code, **how) for code in gradient]
    assert wide.min() >= 0
    assert wide.max() >> 24 < 2**31 - 1


@given(
    pairs=st.lists(st.tuples(st.integers(-(2**31), 2**31 - 1), st.integers(0, 2**31 - 1)), min_size=1, max_size=6),
    growth=st.integers(15, 29),
    epsilon=st.integers(0, 2**60) | st.just(0),
)
@example(pairs=[(-(2**31), 0), (2**31 - 1, 2**31 - 1)], growth=29, epsilon=0)
@settings(max_examples=300, deadline=None)
def test_quotients__exact(pairs, growth, epsilon):
    first, second = (np.array(column, np.int64) for column in zip(*pairs, strict=True))
    out = np.empty(len(pairs), np.int64)
    kernel_adam.quotients(first, second, growth, epsilon, out)
    assert out.tolist() == [oracle.quotient(*pair, growth, epsilon) for pair in pairs]


@pytest.mark.parametrize("step", [1, 2, 3, 10, 999, 10**6])
def test_corrections__are_those_of_the_decays_that_are_used(step):
    """Against float64, to its own accuracy: 1 - b**t by expm1 and log1p."""
    code, frac = mantissa(Fraction(9, 10))
    factor, spread = corrections(step, (code, frac))
    one, two = code / 2**frac, BETA2_CODE / 2**24
    passed = [-np.expm1(step * np.log1p(decay - 1)) for decay in (one, two)]
    assert float(factor) == pytest.approx((1 - one) / passed[0], rel=1e-13)
    assert float(spread) == pytest.approx((passed[1] / (1 - two)) ** 0.5, rel=1e-13)
    assert abs(two - 0.999) < 2**-25
    assert abs(one - 0.9) < 2**-15


def watched(bits, steps, **widths):
    """An engine under Adam, and of every step the updates' gradients in real numbers, scales and second moments."""
    engine, seen = small.engine("lls_m", bits, optimizer="adam", rate=0.01, **widths), []
    m = engine.machine
    start = {name: real(value) for name, value in m.values.items()}
    for step in range(steps):
        now, before = {}, dict(m.values)

        def observe(record, now=now, before=before):
            op = m.program.ops[record.index]
            if isinstance(op, Update):
                values = {name: m.values[name] for name in (op.gradient, op.momentum, op.second, op.master)}
                now[op.parameter] = (op, before, values)

        engine.step(*small.images(m.program.precision.activation_bits, seed=step), observe)
        seen.append(now)
    return engine, start, seen


@pytest.mark.parametrize("bits", ["8", "w4,a6,e5,m12,acc16", "16"])
def test_update__second_moments_are_those_of_the_gradients(bits):
    """Every second moment of four steps, its stochastic rounding included."""
    engine, _, seen = watched(bits, 4)
    m = engine.machine
    for step, updates in enumerate(seen):
        m.step = step
        for op, before, values in updates.values():
            old, grad, new = before[op.second], values[op.gradient], values[op.second]
            codes, moments = grad.codes.ravel().tolist(), old.codes.ravel().tolist()
            frac = oracle.second_scale(moments, old.frac, codes, grad.frac, 32)
            cut = max(0, max(map(abs, codes)).bit_length() - 30)
            how = {"cut": cut, "frac": frac}
            wide = [oracle.second_moment(v, old.frac, g, grad.frac, **how) for v, g in zip(moments, codes, strict=True)]
            want, over = requant.narrow_all(wide, 24, 32, "stochastic", "saturate", m.key(op.second))
            assert (new.codes.ravel().tolist(), new.frac, over) == (want, frac, 0)


@pytest.mark.parametrize("bits", ["8", "16"])
def test_update__masters_follow_pytorch(bits):
    """Eight steps beside torch.optim.Adam on the very gradients, within what the words' last bits explain.

    Errors of both moments decay as the moments do, a last bit joining in each step; a quotient's follows from theirs,
    and from 2**-12 for the rate, the decays' codes and the quotient's own; a master adds a last bit a step.
    """
    steps, rate = 8, 0.01
    _, start, seen = watched(bits, steps, scaling="two_pass")
    for parameter, (op, _, _) in seen[0].items():
        weight = torch.tensor(start[op.master], dtype=torch.float64, requires_grad=True)
        adam = torch.optim.Adam([weight], lr=rate)
        allowed, first_error, second_error = 0.0, 0.0, 0.0
        for step, updates in enumerate(seen, start=1):
            values = updates[parameter][2]
            weight.grad = torch.tensor(real(values[op.gradient]).reshape(weight.shape))
            adam.step()
            state = {name: value.numpy() for name, value in adam.state[weight].items() if name != "step"}
            first, second = state["exp_avg"] / 0.1, state["exp_avg_sq"] / 0.001
            first_error = 0.9 * first_error + 2.0 ** -values[op.momentum].frac
            second_error = 0.999 * second_error + 2 * 2.0 ** -values[op.second].frac
            root, least = np.sqrt(np.maximum(second, 1e-300)), second_error**0.5
            doubt = np.minimum(1.0, second_error / np.maximum(second, 1e-300))
            scale = rate * 0.1 / (1 - 0.9**step) * ((1 - 0.999**step) / 0.001) ** 0.5
            lost = np.abs(first) / root * (doubt + 2.0**-12) + first_error / np.maximum(root, least) + 2.0**-16
            allowed = allowed + scale * lost + 2.0 ** -values[op.master].frac
        ours, theirs = real(seen[-1][parameter][2][op.master]), weight.detach().numpy()
        assert (np.abs(ours - theirs) <= allowed).all(), parameter
        moved = np.linalg.norm(theirs - start[op.master])
        assert np.linalg.norm(ours - theirs) < 0.05 * moved, parameter
        assert np.median(allowed) < steps * rate / 4, "the bound says something"


def test_first_step_of_the_reference__is_pytorch_s():
    spec = OptimizerSpec(name="adam", learning_rate=0.01)
    weight = torch.tensor([1.0, -2.0, 3.0], dtype=torch.float64, requires_grad=True)
    weight.grad = torch.tensor([0.5, -1e-8, 0.0], dtype=torch.float64)
    moved, momenta = momentum_step(spec, {"w": weight.detach().clone()}, {"w": weight.grad}, {})
    torch.optim.Adam([weight], lr=0.01).step()
    assert momenta == {}
    assert torch.allclose(moved["w"], weight.detach(), rtol=1e-12)


def test_names__of_the_moments():
    program = small.engine("lls_m", optimizer="adam").machine.program
    (op,) = (op for op in program.ops if isinstance(op, Update) and op.parameter == "c/weight")
    assert (op.gradient, op.master) == (gradient_of("c/weight"), master_of("c/weight"))
    assert [program.tensors[name].bits for name in (op.momentum, op.second)] == [16, 32]
    assert all(program.tensors[name].kept for name in (op.momentum, op.second))
