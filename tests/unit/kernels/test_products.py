"""Products against their definition: exact and guarded, saturating and wrapping, any fold and threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.sim.kernels.products import Summation, depthwise, forward, input_gradient, weight_gradient
from tests.oracles import products as oracle

TRIES = settings(max_examples=25, deadline=None)


@st.composite
def convolutions(draw, depthwise=False):
    """(layer, window of the oracle, batch, random generator)."""
    kernel, stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3))), draw(st.integers(1, 3))
    padding = draw(st.integers(0, min(kernel) - 1))
    size = tuple(draw(st.integers(max(1, k - 2 * padding), 5)) for k in kernel)
    out = tuple((n + 2 * padding - k) // stride + 1 for n, k in zip(size, kernel, strict=True))
    in_c = draw(st.integers(1, 3))
    out_c = in_c if depthwise else draw(st.integers(1, 4))
    layer = WeightedLayer(
        name="l", block="l", kind="depthwise" if depthwise else "conv", in_h=size[0], in_w=size[1], in_c=in_c,
        out_h=out[0], out_w=out[1], out_c=out_c, kernel_h=kernel[0], kernel_w=kernel[1], stride=stride,
        padding=padding, bias=True, batch_norm=True, negative_slope=0.0, local=None,
    )  # fmt: skip
    window = oracle.Window(kernel, stride, padding, size, out)
    return layer, window, draw(st.integers(1, 2)), np.random.default_rng(draw(st.integers(0, 2**32)))


units = st.builds(
    Summation,
    chain_terms=st.none() | st.integers(1, 7),
    accumulator_bits=st.sampled_from([16, 17, 24, 32, 48]),
    wraps=st.booleans(),
    prove=st.booleans(),
)


def codes(rng, shape, bits):
    """Codes of `bits` bits, a third of them at the ends."""
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    found = rng.integers(low, high + 1, shape)
    at_end = rng.random(shape) < 1 / 3
    found[at_end] = rng.choice([low, high], int(at_end.sum()))
    return found.astype(np.int8 if bits <= 8 else np.int16)


def register(unit):
    return oracle.Register(unit.accumulator_bits, unit.wraps)


@given(convolutions(), units, st.sampled_from([4, 8, 16]))
@TRIES
def test_forward__exact(case, unit, bits):
    layer, window, batch, rng = case
    x = codes(rng, (batch, layer.in_h, layer.in_w, layer.in_c), bits)
    w = codes(rng, layer.weight_shape, bits)
    bias = rng.integers(-unit.top, unit.top + 1, layer.out_c) >> int(rng.integers(0, 16))
    acc, tally = forward(unit, layer, x, w.reshape(layer.fan_in, -1), bias)
    reg = register(unit)
    assert acc.tolist() == oracle.forward(reg, window, x.tolist(), w.tolist(), bias.tolist(), unit.chain_terms)
    assert tally.overflows == reg.overflows
    assert tally.macs == batch * layer.forward_macs


@given(convolutions(), units, st.sampled_from([4, 8, 16]))
@TRIES
def test_weight_gradient__exact(case, unit, bits):
    layer, window, batch, rng = case
    x = codes(rng, (batch, layer.in_h, layer.in_w, layer.in_c), bits)
    delta = codes(rng, (batch * layer.positions, layer.out_c), bits)
    acc, tally = weight_gradient(unit, layer, x, delta)
    reg = register(unit)
    assert acc.tolist() == oracle.weight_gradient(reg, window, x.tolist(), delta.tolist(), unit.chain_terms)
    assert tally.overflows == reg.overflows
    assert tally.macs == batch * layer.forward_macs


@given(convolutions(), units, st.sampled_from([4, 8, 16]))
@TRIES
def test_input_gradient__exact(case, unit, bits):
    layer, window, batch, rng = case
    delta = codes(rng, (batch, layer.out_h, layer.out_w, layer.out_c), bits)
    w = codes(rng, layer.weight_shape, bits)
    acc, tally = input_gradient(unit, layer, delta, w.reshape(layer.fan_in, -1))
    reg = register(unit)
    assert acc.tolist() == oracle.input_gradient(reg, window, delta.tolist(), w.tolist(), unit.chain_terms)
    assert tally.overflows == reg.overflows
    assert tally.macs == batch * layer.forward_macs


@pytest.mark.parametrize("direction", ["forward", "input_grad", "weight_grad"])
@given(case=convolutions(depthwise=True), unit=units, bits=st.sampled_from([4, 8, 16]))
@TRIES
def test_depthwise__exact(direction, case, unit, bits):
    layer, window, batch, rng = case
    x = codes(rng, (batch, layer.in_h, layer.in_w, layer.in_c), bits)
    w = codes(rng, layer.weight_shape, bits)
    out = codes(rng, (batch, layer.out_h, layer.out_w, layer.out_c), bits)
    written = {"forward": 2, "input_grad": 0, "weight_grad": 1}[direction]
    arrays = [x, w, out]
    arrays[written] = np.zeros(arrays[written].shape, np.int64)
    lists = [a.tolist() for a in arrays]
    reg = register(unit)
    oracle.depthwise(reg, window, direction, *lists)
    tally = depthwise(unit, layer, direction, *arrays)
    assert arrays[written].tolist() == lists[written]
    assert tally.overflows == reg.overflows
    assert tally.macs == batch * layer.forward_macs


def big(kind="conv"):
    """A layer with several ranges of 32 rows, several folds, and its operands."""
    depth = kind == "depthwise"
    layer = WeightedLayer(
        name="l", block="l", kind=kind, in_h=9, in_w=7, in_c=6, out_h=5, out_w=4, out_c=6 if depth else 11, kernel_h=3,
        kernel_w=3, stride=2, padding=1, bias=True, batch_norm=True, negative_slope=0.0, local=None,
    )  # fmt: skip
    rng = np.random.default_rng(3)
    x, out = rng.integers(-128, 128, (5, 9, 7, 6)), rng.integers(-128, 128, (5, 5, 4, layer.out_c))
    w = rng.integers(-128, 128, layer.weight_shape)
    return layer, x.astype(np.int8), w.astype(np.int8), out.astype(np.int8)


def everything(unit):
    """All six products of `big` layers, and the overflows."""
    layer, x, w, out = big()
    bias = np.arange(11) * 1000
    found = [
        forward(unit, layer, x, w.reshape(54, 11), bias),
        weight_gradient(unit, layer, x, out.reshape(-1, 11)),
        input_gradient(unit, layer, out, w.reshape(54, 11)),
    ]
    layer, x, w, out = big("depthwise")
    for written, direction in ((2, "forward"), (0, "input_grad"), (1, "weight_grad")):
        arrays = [x, w, out]
        arrays[written] = np.zeros(arrays[written].shape, np.int32)
        tally = depthwise(unit, layer, direction, *arrays)
        found.append((arrays[written], tally))
    return [a.tolist() for a, _ in found], [(t.macs, t.overflows) for _, t in found]


def test_products__no_fold_thread_or_guard_changes_a_bit_without_overflow(monkeypatch):
    want = everything(Summation())
    assert all(over == 0 for _, over in want[1])
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("LLS_HW_THREADS", threads)
        for rows in (5, 64, None):
            for prove, wraps in ((True, False), (False, False), (False, True)):
                assert everything(Summation(chain_terms=rows, prove=prove, wraps=wraps)) == want


@pytest.mark.parametrize("wraps", [False, True])
def test_products__threads_do_not_change_overflowing_sums(monkeypatch, wraps):
    found = []
    for threads in ("1", "2", "3"):
        monkeypatch.setenv("LLS_HW_THREADS", threads)
        found.append(everything(Summation(chain_terms=4, accumulator_bits=16, wraps=wraps)))
    assert found[0] == found[1] == found[2]
    assert all(over > 0 for _, over in found[0][1])


def test_wrap__order_cannot_matter_and_equals_the_sum_modulo_2_to_n():
    exact, wrapped = (
        everything(Summation(accumulator_bits=48))[0],
        everything(Summation(accumulator_bits=16, wraps=True))[0],
    )
    for a, b in zip(exact, wrapped, strict=True):
        assert ((np.array(a) - np.array(b)) % 2**16 == 0).all()


@pytest.mark.parametrize("bits", [8, 16])
def test_holds__is_tight_for_the_most_negative_codes(bits):
    low = np.full(4, -(1 << (bits - 1)), np.int16)
    product = 1 << (2 * bits - 2)
    unit = Summation(accumulator_bits=2 * bits + 2)
    most = unit.top // product
    assert unit.holds(most, low, low)
    assert not unit.holds(most + 1, low, low)
    assert unit.holds(most, low, low, start=unit.top - most * product)
    assert not unit.holds(most, low, low, start=unit.top - most * product + 1)
