"""The engine's products are the array's: bits and overflows of the tiled executor, and of the registers."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.sim.array.registers import ArrayForm, run_array, tiled_matmul
from lls_hw.sim.kernels.products import ArrayUnit, forward, input_gradient, weight_gradient

UNITS = st.builds(
    ArrayUnit, rows=st.integers(1, 9), accumulator_bits=st.integers(8, 20), wraps=st.booleans(), prove=st.just(False)
)


def layer(sides, channels, out_c, kernel, stride, padding):
    (h, w), side = sides, kernel
    return WeightedLayer(
        name="c", block="c", kind="conv", in_h=h, in_w=w, in_c=channels, out_c=out_c, kernel_h=side, kernel_w=side,
        out_h=(h + 2 * padding - side) // stride + 1, out_w=(w + 2 * padding - side) // stride + 1,
        stride=stride, padding=padding, bias=True, batch_norm=True, negative_slope=0.01, local=None,
    )  # fmt: skip


LAYERS = st.builds(
    layer,
    st.tuples(st.integers(3, 6), st.integers(3, 6)),
    st.integers(1, 5),
    st.integers(1, 7),
    st.sampled_from([1, 2, 3]),
    st.integers(1, 2),
    st.integers(0, 1),
)


def codes(seed, *shape):
    rng = np.random.default_rng(seed)
    values = rng.integers(-128, 128, shape)
    values[rng.random(shape) < 0.3] = -128
    return values.astype(np.int8)


def columns(x, s):
    """im2col, (positions, kh kw c)."""
    p = s.padding
    padded = np.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))
    taps = [
        padded[:, r : r + s.stride * (s.out_h - 1) + 1 : s.stride, c : c + s.stride * (s.out_w - 1) + 1 : s.stride]
        for r in range(s.kernel_h)
        for c in range(s.kernel_w)
    ]
    return np.concatenate(taps, -1).reshape(-1, s.fan_in)


def on_the_array(a, b, unit):
    """(outputs, overflows) of the tiled executor, equal to the registers'."""
    overflow = "wrap" if unit.wraps else "saturate"
    tiled = tiled_matmul(a, b, rows=unit.rows, cols=4, dataflow="ws", acc_bits=unit.accumulator_bits, overflow=overflow)
    clocked = run_array(
        a, b, ArrayForm(rows=unit.rows, cols=4, acc_bits=unit.accumulator_bits, overflow=overflow, operand_bits=8)
    )
    assert (clocked.outputs == tiled[0]).all()
    assert clocked.overflows == tiled[1]
    return tiled


@given(LAYERS, UNITS, st.integers(1, 2), st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_forward__bits_and_overflows_of_the_array(s, unit, batch, seed):
    x, w = codes(seed, batch, s.in_h, s.in_w, s.in_c), codes(seed + 1, s.fan_in, s.out_c)
    acc, tally = forward(unit, s, x, w, np.zeros(s.out_c, np.int64))
    outputs, overflows = on_the_array(columns(x, s), w, unit)
    assert (acc == outputs).all()
    assert (tally.overflows, tally.macs) == (overflows, outputs.size * s.fan_in)


@given(LAYERS, UNITS, st.integers(1, 2), st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_weight_gradient__bits_and_overflows_of_the_array(s, unit, batch, seed):
    x, delta = codes(seed, batch, s.in_h, s.in_w, s.in_c), codes(seed + 1, batch * s.positions, s.out_c)
    acc, tally = weight_gradient(unit, s, x, delta)
    outputs, overflows = on_the_array(np.ascontiguousarray(columns(x, s).T), delta, unit)
    assert (acc == outputs).all()
    assert tally.overflows == overflows


@given(LAYERS, UNITS, st.integers(1, 2), st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_input_gradient_of_a_pointwise_layer__bits_and_overflows_of_the_array(s, unit, batch, seed):
    s = layer((s.in_h, s.in_w), s.in_c, s.out_c, 1, 1, 0)
    delta, w = codes(seed, batch, s.out_h, s.out_w, s.out_c), codes(seed + 1, s.fan_in, s.out_c)
    acc, tally = input_gradient(unit, s, delta, w)
    outputs, overflows = on_the_array(delta.reshape(-1, s.out_c), np.ascontiguousarray(w.T), unit)
    assert (acc.reshape(-1, s.in_c) == outputs).all()
    assert tally.overflows == overflows


@pytest.mark.parametrize("rows", [3, 16])
def test_exact_path__the_same_bits_and_no_overflow(rows):
    s = layer((6, 5), 4, 6, 3, 2, 1)
    x, w = codes(0, 2, 6, 5, 4), codes(1, s.fan_in, 6)
    unit = ArrayUnit(rows=rows)
    assert unit.holds(s.fan_in, x, w)
    acc, tally = forward(unit, s, x, w, np.zeros(6, np.int64))
    outputs, overflows = on_the_array(columns(x, s), w, unit)
    assert (acc == outputs).all()
    assert tally.overflows == overflows == 0
