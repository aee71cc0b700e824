"""Grouped and depthwise convolution on the array: closed forms against the registers, bits against plain products."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lls_hw.models.registry import load_network
from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.resolve import resolve
from lls_hw.sim.array import DATAFLOWS
from lls_hw.sim.array.grouped import (
    Groups,
    convolution_groups,
    grouped_costs,
    grouped_cycles,
    most_packed,
    performed_macs,
)
from lls_hw.sim.array.registers import WordWidths, run_array, run_groups
from lls_hw.sim.kernels.products import Summation, depthwise

FLOWS = st.sampled_from(list(DATAFLOWS))
SHAPES = st.builds(
    ArraySpec, rows=st.integers(1, 9), cols=st.integers(1, 9), dataflow=FLOWS, preload_hidden=st.booleans()
)
GROUPS = st.builds(Groups, groups=st.integers(1, 9), m=st.integers(1, 20), k=st.integers(1, 12), n=st.integers(1, 5))


def operands(one, seed):
    rng = np.random.default_rng(seed)
    return rng.integers(-99, 100, (one.groups, one.m, one.k)), rng.integers(-99, 100, (one.groups, one.k, one.n))


@given(GROUPS, SHAPES, st.integers(0, 999))
@settings(max_examples=150, deadline=None)
def test_one_group_after_the_other__registers(one, array, seed):
    a, b = operands(one, seed)
    run = run_groups(a, b, array)
    assert (run.outputs == a @ b).all()
    assert run.cycles == grouped_cycles(one, array)
    assert run.counters.macs == one.macs
    alone = [run_array(left, right, array) for left, right in zip(a, b, strict=True)]
    assert sum(each.cycles for each in alone) == grouped_cycles(one, array, chained=False) >= run.cycles
    assert (np.stack([each.outputs for each in alone]) == run.outputs).all()
    for name in ("a_reads", "b_reads", "outputs", "sum_shifts", "stationary_shifts", "drain_shifts"):
        assert sum(getattr(each.counters, name) for each in alone) == getattr(run.counters, name)


@given(GROUPS, SHAPES, st.integers(1, 9), st.integers(0, 999))
@settings(max_examples=200, deadline=None)
def test_packed_on_the_diagonal__registers(one, array, pack, seed):
    a, b = operands(one, seed)
    run = run_groups(a, b, array, pack=pack)
    assert (run.outputs == a @ b).all()
    assert run.cycles == grouped_cycles(one, array, pack=pack)
    assert run.counters.macs == performed_macs(one, min(pack, one.groups))


@given(GROUPS, SHAPES, st.integers(0, 999))
@settings(max_examples=100, deadline=None)
def test_one_patch_is_the_product_with_the_block_diagonal_matrix(one, array, seed):
    one = replace(one, groups=most_packed(one, array))
    a, b = operands(one, seed)
    if array.dataflow == "is":  # what stays are the inputs
        wide = np.zeros((one.groups * one.m, one.groups * one.k), np.int64)
        tall = b.reshape(-1, one.n)
        for g in range(one.groups):
            wide[g * one.m : (g + 1) * one.m, g * one.k : (g + 1) * one.k] = a[g]
        outputs = (a @ b).reshape(-1, one.n)
    else:
        wide = a.transpose(1, 0, 2).reshape(one.m, -1)
        tall = np.zeros((one.groups * one.k, one.groups * one.n), np.int64)
        for g in range(one.groups):
            tall[g * one.k : (g + 1) * one.k, g * one.n : (g + 1) * one.n] = b[g]
        outputs = (a @ b).transpose(1, 0, 2).reshape(one.m, -1)
    run = run_array(wide, tall, array)
    assert (run.outputs == outputs).all()
    assert run.cycles == grouped_cycles(one, array, pack=one.groups)


@given(
    st.tuples(st.integers(3, 9), st.integers(3, 9)), st.integers(1, 3), st.integers(0, 2), SHAPES, st.integers(0, 999)
)
@settings(max_examples=60, deadline=None)
def test_depthwise_layer__array_equals_vector_unit(sides, stride, padding, array, seed):
    (h, w), channels = sides, 5
    out_h, out_w = (h + 2 * padding - 3) // stride + 1, (w + 2 * padding - 3) // stride + 1
    layer = WeightedLayer(
        name="dw", block="b", kind="depthwise", in_h=h, in_w=w, in_c=channels, out_h=out_h, out_w=out_w,
        out_c=channels, kernel_h=3, kernel_w=3, stride=stride, padding=padding, bias=False, batch_norm=True,
        negative_slope=0.01, local=None,
    )  # fmt: skip
    rng = np.random.default_rng(seed)
    x, taps = rng.integers(-128, 128, (2, h, w, channels)), rng.integers(-128, 128, (3, 3, channels))
    out = np.zeros((2, out_h, out_w, channels), np.int64)
    tally = depthwise(Summation(accumulator_bits=40), layer, "forward", x, taps, out)
    padded = np.pad(x, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    windows = [
        padded[:, r : r + stride * (out_h - 1) + 1 : stride, c : c + stride * (out_w - 1) + 1 : stride]
        for r in range(3)
        for c in range(3)
    ]
    a = np.stack(windows, -1).transpose(3, 0, 1, 2, 4).reshape(channels, -1, 9)
    b = taps.reshape(9, channels).T[:, :, None]
    one = convolution_groups(layer, channels, batch=2)
    assert one == Groups(groups=channels, m=2 * out_h * out_w, k=9, n=1)
    assert one.macs == tally.macs
    pack = most_packed(one, array)
    run = run_groups(a, b, array, WordWidths(acc_bits=40), pack=pack)
    assert (run.outputs[:, :, 0].T.reshape(out.shape) == out).all()
    assert run.cycles == grouped_cycles(one, array, pack=pack)


@pytest.mark.parametrize(
    ("dataflow", "groups", "fit"),
    [
        ("ws", Groups(groups=64, m=4096, k=9, n=1), 1),
        ("ws", Groups(groups=64, m=4096, k=4, n=3), 4),
        ("ws", Groups(groups=3, m=9, k=1, n=1), 3),
        ("is", Groups(groups=64, m=4, k=4, n=1), 4),
        ("is", Groups(groups=64, m=4096, k=4, n=1), 1),
        ("os", Groups(groups=64, m=4096, k=9, n=1), 16),
    ],
)
def test_how_many_groups_fit(dataflow, groups, fit):
    assert most_packed(groups, ArraySpec(rows=16, cols=16, dataflow=dataflow)) == fit


def test_costs_are_ranked_and_complete():
    costs = grouped_costs(Groups(groups=64, m=256, k=4, n=4), ArraySpec(rows=16, cols=16), lanes=16)
    assert [cost.way for cost in costs] == ["packed", "vector", "per_group"]
    packed = costs[0]
    assert (packed.pack, packed.useful_macs, packed.performed_macs) == (4, 262144, 4 * 262144)
    assert packed.cycles == 4 + 16 * 256 + 16 + 16 - 2 + 12
    assert costs[1].cycles == 262144 // 16


def test_the_table_of_the_page_is_what_the_script_prints():
    root = Path(__file__).resolve().parents[3]
    spec = importlib.util.spec_from_file_location("depthwise", root / "scripts" / "bench" / "array_depthwise.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert "\n".join(module.table()) in (root / "docs" / "array.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Groups(groups=0, m=1, k=1, n=1), r"^grouped\.groups = 0: every size must be positive\. Use 1 or more"),
        (
            lambda: grouped_cycles(Groups(groups=1, m=1, k=1, n=1), ArraySpec(rows=1, cols=1), pack=0),
            r"^grouped\.pack = 0: a patch holds at least one group\. Use 1 or more\.$",
        ),
        (
            lambda: grouped_costs(Groups(groups=1, m=1, k=1, n=1), ArraySpec(rows=1, cols=1), 0),
            r"^vector\.lanes = 0: there must be one\. Use 1 or more\.$",
        ),
        (
            lambda: run_groups(np.ones((2, 1, 2), int), np.ones((2, 1, 1), int), ArraySpec(rows=1, cols=1)),
            r"^array\.groups = .*: groups are \(g, m, k\) and \(g, k, n\)\. Stack the groups\.$",
        ),
        (
            lambda: run_groups(np.ones((2, 1, 1), int), np.ones((2, 1, 1), int), ArraySpec(rows=1, cols=1), pack=0),
            r"^array\.pack = 0: a patch holds at least one group\. Use 1 or more\.$",
        ),
    ],
)
def test_impossible_groups_are_refused(call, message):
    with pytest.raises(SpecError, match=message):
        call()


def test_channels_must_divide():
    layer = next(each for each in resolve(load_network("vww_cnn")) if isinstance(each, WeightedLayer))
    with pytest.raises(SpecError, match=r"\.groups = 2: it must divide 3 and 32 channels\. Choose a common divisor\.$"):
        convolution_groups(layer, 2)
