"""Convolutions and linear layers in their three directions."""

from functools import partial

import numpy as np

from lls_hw.models.program.ops.products import DepthwiseConv, Gemm, Product
from lls_hw.sim.functional.machine import IntegerMachine, Runners, zeros
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels.codes import Ints, Wide
from lls_hw.sim.kernels.events import Events
from lls_hw.sim.kernels.products import ProductTally, depthwise, forward, input_gradient, weight_gradient
from lls_hw.sim.kernels.requant import Narrowing

BIAS: Events = {"adds": 1}
"""An output's bias joins its sum. (Here the sum starts from it: the same number.)"""


def run_gemm(m: IntegerMachine, op: Gemm) -> None:
    """A matrix product on the array; its accumulators leave through the requantiser."""
    {"forward": _forward, "weight_grad": _weight_grad, "input_grad": _input_grad}[op.direction](m, op)


def _forward(m: IntegerMachine, op: Gemm) -> None:
    x, w = m.read(op.source), m.read(op.weight)
    frac = x.frac + w.frac
    bias = scaled_bias(m, op, frac)
    acc, tally = forward(m.sums, op.shape, _map(op, x), _matrix(op, w), bias)
    _count(m, op, tally)
    if op.bias is not None:
        m.did(BIAS, acc.size)
    m.narrow(op.out, acc, frac)


def scaled_bias(m: IntegerMachine, op: Gemm, frac: int) -> Wide:
    """The bias at the accumulators' scale, held to their width."""
    if op.bias is None:
        return np.zeros(op.shape.out_c, np.int64)
    bias = m.read(op.bias)
    how = Narrowing(rounding="half_up")
    return m.requantise(bias.codes, bias.frac - frac, m.sums.accumulator_bits, how).astype(np.int64)


def _weight_grad(m: IntegerMachine, op: Gemm) -> None:
    x, delta = m.read(op.source), m.read(op.error)
    acc, tally = weight_gradient(m.sums, op.shape, _map(op, x), delta.codes.reshape(-1, op.shape.out_c))
    _count(m, op, tally)
    m.write(op.out, acc, x.frac + delta.frac)


def _input_grad(m: IntegerMachine, op: Gemm) -> None:
    delta, w = m.read(op.error), m.read(op.weight)
    shape = (op.batch, op.shape.out_h, op.shape.out_w, op.shape.out_c)
    acc, tally = input_gradient(m.sums, op.shape, delta.codes.reshape(shape), _matrix(op, w))
    _count(m, op, tally)
    m.narrow(op.out, acc, delta.frac + w.frac)


def _count(m: IntegerMachine, op: Product, tally: ProductTally) -> None:
    """The products that were performed, under the unit and the kind of their operands."""
    m.record.tally += tally
    if isinstance(op, DepthwiseConv) and m.depthwise_on == "vector":
        m.count("vector_macs", tally.macs)
        return
    m.count("macs", tally.macs)
    if "error" in (roles := {m.program.tensors[name].role for name in op.factors}):
        by_activation = bool(roles & {"activation", "input"})
        m.count("macs_activation_error" if by_activation else "macs_weight_error", tally.macs)


def _map(op: Gemm, x: Value) -> Ints:
    """The layer's input map; a block's own classifier sees the pooled map as one position."""
    return x.codes.reshape(op.batch, op.shape.in_h, op.shape.in_w, op.shape.in_c)


def _matrix(op: Gemm, w: Value) -> Ints:
    """Weights (kh, kw, in, out) as (k, out)."""
    return w.codes.reshape(op.shape.fan_in, op.shape.out_c)


def run_depthwise(m: IntegerMachine, op: DepthwiseConv) -> None:
    """A depthwise convolution or one of its gradients, with accumulators of the array's width."""
    s, bits = op.shape, m.sums.accumulator_bits
    add = partial(depthwise, m.sums, s, op.direction, on_array=m.depthwise_on == "array")
    a, b = (m.read(name) for name in op.factors)
    frac = a.frac + b.frac
    if op.direction == "forward":
        acc = zeros((op.batch, s.out_h, s.out_w, s.out_c), bits)
        _count(m, op, add(a.codes, b.codes, acc))
        m.narrow(op.out, acc, frac)
    elif op.direction == "input_grad":
        acc = zeros((op.batch, s.in_h, s.in_w, s.in_c), bits)
        _count(m, op, add(acc, b.codes, a.codes))
        m.narrow(op.out, acc, frac)
    else:
        acc = zeros(s.weight_shape, bits)
        _count(m, op, add(a.codes, acc, b.codes))
        m.write(op.out, acc, frac)


RUNNERS: Runners = {Gemm: run_gemm, DepthwiseConv: run_depthwise}
