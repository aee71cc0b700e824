"""The engine adds as the array does, whatever the dataflow: bits and overflows of the registers and of the oracle."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.sim.array import DATAFLOWS
from lls_hw.sim.array.grouped import Groups, most_packed
from lls_hw.sim.array.registers import WordWidths, run_array, run_groups
from lls_hw.sim.kernels.products import Summation, depthwise, forward, input_gradient, weight_gradient
from tests.oracles import array as oracle
from tests.oracles.products import Register

ARRAYS = st.builds(ArraySpec, rows=st.integers(1, 9), cols=st.integers(1, 4), dataflow=st.sampled_from(list(DATAFLOWS)))
WIDTHS = st.tuples(st.integers(8, 20), st.booleans())  # of the accumulator; whether it wraps
TRIES = settings(max_examples=30, deadline=None)


def summation(array, widths):
    """How the engine adds for this array, where nothing is proven."""
    chain_terms = DATAFLOWS[array.dataflow].chain_terms(array.rows)
    return Summation(chain_terms=chain_terms, accumulator_bits=widths[0], wraps=widths[1], prove=False)


def layer(sides, channels, out_c, kernel, stride, padding, kind="conv"):
    (h, w), side = sides, kernel
    return WeightedLayer(
        name="c", block="c", kind=kind, in_h=h, in_w=w, in_c=channels, out_c=out_c, kernel_h=side, kernel_w=side,
        out_h=(h + 2 * padding - side) // stride + 1, out_w=(w + 2 * padding - side) // stride + 1,
        stride=stride, padding=padding, bias=True, batch_norm=True, negative_slope=0.01, local=None,
    )  # fmt: skip


SIDES = st.tuples(st.integers(3, 6), st.integers(3, 6))
LAYERS = st.builds(
    layer, SIDES, st.integers(1, 5), st.integers(1, 7), st.sampled_from([1, 2, 3]), st.integers(1, 2), st.integers(0, 1)
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
    return np.concatenate(taps, -1).reshape(-1, s.kernel_h * s.kernel_w * x.shape[-1])


def words(widths):
    return WordWidths(acc_bits=widths[0], overflow="wrap" if widths[1] else "saturate", operand_bits=8)


def on_the_array(a, b, array, widths):
    """(outputs, overflows) of the registers, equal to those of the clocked array in plain Python."""
    run = run_array(a, b, array, words(widths))
    flow, given = DATAFLOWS[array.dataflow], (a.tolist(), b.tolist(), array.rows, array.cols, *widths)
    wanted = oracle.clocked(*given, True, sums_stay=flow.sums_stay, transposed=flow.is_transposed)
    assert run.outputs.tolist() == wanted.outputs
    assert run.overflows == wanted.overflows
    return run.outputs, run.overflows


def map_of_columns(tap_columns, s, batch, widths):
    """(input map, overflows): the columns of every position added tap by tap, each addition held to the accumulator."""
    register = Register(*widths)
    maps = np.zeros((batch, s.in_h, s.in_w, s.in_c), object)
    taps = tap_columns.reshape(batch, s.out_h, s.out_w, s.kernel_h, s.kernel_w, s.in_c)
    for n, oy, ox, ky, kx in product(*(range(side) for side in taps.shape[:5])):
        y, x = oy * s.stride - s.padding + ky, ox * s.stride - s.padding + kx
        if 0 <= y < s.in_h and 0 <= x < s.in_w:
            for c in range(s.in_c):
                maps[n, y, x, c] = register.add(maps[n, y, x, c], int(taps[n, oy, ox, ky, kx, c]))
    return maps, register.overflows


@given(LAYERS, ARRAYS, WIDTHS, st.integers(1, 2), st.integers(0, 999))
@TRIES
def test_forward__bits_and_overflows_of_the_array(s, array, widths, batch, seed):
    x, w = codes(seed, batch, s.in_h, s.in_w, s.in_c), codes(seed + 1, s.fan_in, s.out_c)
    acc, tally = forward(summation(array, widths), s, x, w, np.zeros(s.out_c, np.int64))
    outputs, overflows = on_the_array(columns(x, s), w, array, widths)
    assert (acc == outputs).all()
    assert (tally.overflows, tally.macs) == (overflows, outputs.size * s.fan_in)


@given(LAYERS, ARRAYS, WIDTHS, st.integers(1, 2), st.integers(0, 999))
@TRIES
def test_forward__the_bias_is_one_more_sum(s, array, widths, batch, seed):
    x, w = codes(seed, batch, s.in_h, s.in_w, s.in_c), codes(seed + 1, s.fan_in, s.out_c)
    bias = np.random.default_rng(seed).integers(-(1 << (widths[0] - 1)), 1 << (widths[0] - 1), s.out_c)
    acc, tally = forward(summation(array, widths), s, x, w, bias)
    register, a = Register(*widths), columns(x, s).astype(object)
    step = array.rows if DATAFLOWS[array.dataflow].rows_hold == "k" else s.fan_in
    for i, j in np.ndindex(acc.shape):  # the bias stands in the accumulators; each fold is added
        total = int(bias[j])
        for first in range(0, s.fan_in, step):
            chain = 0
            for k in range(first, min(first + step, s.fan_in)):
                chain = register.add(chain, a[i, k] * int(w[k, j]))
            total = register.add(total, chain)
        assert acc[i, j] == total
    assert tally.overflows == register.overflows


@given(LAYERS, ARRAYS, WIDTHS, st.integers(1, 2), st.integers(0, 999))
@TRIES
def test_weight_gradient__bits_and_overflows_of_the_array(s, array, widths, batch, seed):
    x, delta = codes(seed, batch, s.in_h, s.in_w, s.in_c), codes(seed + 1, batch * s.positions, s.out_c)
    acc, tally = weight_gradient(summation(array, widths), s, x, delta)
    outputs, overflows = on_the_array(np.ascontiguousarray(columns(x, s).T), delta, array, widths)
    assert (acc == outputs).all()
    assert tally.overflows == overflows


@given(LAYERS, ARRAYS, WIDTHS, st.integers(1, 2), st.integers(0, 999))
@TRIES
def test_input_gradient__columns_of_the_array_added_into_the_map(s, array, widths, batch, seed):
    delta, w = codes(seed, batch, s.out_h, s.out_w, s.out_c), codes(seed + 1, s.fan_in, s.out_c)
    acc, tally = input_gradient(summation(array, widths), s, delta, w)
    found, overflows = on_the_array(delta.reshape(-1, s.out_c), np.ascontiguousarray(w.T), array, widths)
    maps, more = map_of_columns(found, s, batch, widths)
    assert (acc == maps).all()
    assert tally.overflows == overflows + more


DEPTHWISE = st.builds(
    lambda sides, channels, kernel, *rest: layer(sides, channels, channels, kernel, *rest, "depthwise"),
    SIDES, st.integers(1, 4), st.sampled_from([2, 3]), st.integers(1, 2), st.integers(0, 1),
)  # fmt: skip


@given(DEPTHWISE, ARRAYS, st.tuples(st.integers(8, 17), st.booleans()), st.integers(1, 3), st.integers(0, 999))
@TRIES
def test_depthwise_on_the_array__bits_and_overflows_of_its_groups(s, array, widths, pack, seed):
    batch, sums = 2, summation(array, widths)
    x, w, y = (codes(seed, batch, s.in_h, s.in_w, s.in_c), codes(seed + 1, *s.weight_shape),
               codes(seed + 2, batch, s.out_h, s.out_w, s.out_c))  # fmt: skip
    maps = [columns(x[..., c : c + 1], s) for c in range(s.in_c)]
    errors = y.reshape(-1, 1, s.in_c).transpose(2, 0, 1)
    taps = w.reshape(-1, 1, s.in_c).transpose(2, 0, 1)
    groups = {
        "forward": (np.stack(maps), taps),
        "weight_grad": (np.stack([each.T for each in maps]), errors),
        "input_grad": (errors, taps.transpose(0, 2, 1)),
    }
    for direction, (a, b) in groups.items():
        written = {"forward": 2, "input_grad": 0, "weight_grad": 1}[direction]
        arrays = [x, w, y]
        arrays[written] = np.zeros(arrays[written].shape, np.int64)
        tally = depthwise(sums, s, direction, *arrays, on_array=True)
        one = Groups(groups=s.in_c, m=a.shape[1], k=a.shape[2], n=b.shape[2])
        run = run_groups(a, b, array, words(widths), pack=min(pack, most_packed(one, array)))
        found, overflows = run.outputs, run.overflows
        if direction == "input_grad":
            found, more = map_of_columns(found.transpose(1, 2, 0), s, batch, widths)
            overflows += more
        else:
            found = found.transpose(1, 2, 0).reshape(arrays[written].shape)
        assert (arrays[written] == found).all()
        assert tally.overflows == overflows


@given(st.tuples(*[st.integers(1, 11)] * 3), ARRAYS, st.tuples(st.integers(2, 20), st.booleans()), st.integers(0, 999))
@settings(max_examples=80, deadline=None)
def test_input_stationary_adds_exactly_as_weight_stationary(sizes, array, widths, seed):
    """The transposed product moves the same products down a column, k ascending, at most R from zero."""
    m, k, n = sizes
    a, b = codes(seed, m, k), codes(seed + 1, k, n)
    runs = [run_array(a, b, array.model_copy(update={"dataflow": name}), words(widths)) for name in ("ws", "is")]
    assert (runs[0].outputs == runs[1].outputs).all()
    assert runs[0].overflows == runs[1].overflows


def test_output_stationary_adds_otherwise():
    """7 7 -7 -7 times 7 in 7 bits: two rows give (49 + 49 -> 63) + (-49 - 49 -> -64); one element 49, 63, 14, -35."""
    one = layer((1, 1), 4, 1, 1, 1, 0)
    x, w = np.array([7, 7, -7, -7], np.int8).reshape(1, 1, 1, 4), np.full((4, 1), 7, np.int8)
    found = {}
    for name in ("ws", "os", "is"):
        array = ArraySpec(rows=2, cols=1, dataflow=name)
        acc, tally = forward(summation(array, (7, False)), one, x, w, np.zeros(1, np.int64))
        found[name] = (acc.item(), tally.overflows)
    assert found == {"ws": (-1, 2), "is": (-1, 2), "os": (-35, 1)}


@pytest.mark.parametrize("dataflow", list(DATAFLOWS))
@pytest.mark.parametrize("rows", [3, 16])
def test_exact_path__the_same_bits_and_no_overflow(rows, dataflow):
    s = layer((6, 5), 4, 6, 3, 2, 1)
    x, w = codes(0, 2, 6, 5, 4), codes(1, s.fan_in, 6)
    array = ArraySpec(rows=rows, cols=4, dataflow=dataflow)
    proven = Summation(chain_terms=DATAFLOWS[dataflow].chain_terms(rows))
    assert proven.holds(s.fan_in, x, w)
    acc, tally = forward(proven, s, x, w, np.zeros(6, np.int64))
    outputs, overflows = on_the_array(columns(x, s), w, array, (32, False))
    assert (acc == outputs).all()
    assert tally.overflows == overflows == 0
