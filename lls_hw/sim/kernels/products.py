"""Typed wrappers of the product kernels: they bound the sums, share rows among threads, choose containers.

Each returns accumulators and a `ProductTally`. Sums that cannot overflow go through BLAS, the others
through the array's own order.
"""

from dataclasses import dataclass, replace

import numpy as np

from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.sim.kernels import blas
from lls_hw.sim.kernels.codes import Ints
from lls_hw.sim.kernels.depthwise import depthwise_images
from lls_hw.sim.kernels.gemm import forward_rows, input_grad_images, weight_grad_rows
from lls_hw.sim.kernels.requant import container, max_abs
from lls_hw.sim.kernels.threads import run

DEPTHWISE_DIRECTIONS = {"forward": 0, "input_grad": 1, "weight_grad": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductTally:
    """Work of the array in one op.

    Attributes
    ----------
    macs : products performed.
    overflows : additions that left the accumulator.
    guarded : products whose sums might have overflowed, by the bound of `holds`. Without any, the order
        of additions, and so the array's rows and dataflow, cannot have changed a bit.
    """

    macs: int = 0
    overflows: int = 0
    guarded: int = 0

    def __add__(self, other: "ProductTally") -> "ProductTally":
        return ProductTally(
            macs=self.macs + other.macs,
            overflows=self.overflows + other.overflows,
            guarded=self.guarded + other.guarded,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Summation:
    """The order and width in which products are added, as far as they decide bits.

    Attributes
    ----------
    chain_terms : most products that are added one after the other from zero before their sum is added to the
        stored one; None: all of them.
    accumulator_bits, wraps : what every addition is held to, and how.
    prove : False takes the guarded kernels where sums provably fit, too (for tests).
    """

    chain_terms: int | None = 16
    accumulator_bits: int = 32
    wraps: bool = False
    prove: bool = True

    def depth(self, terms: int) -> int:
        """Products in a chain of a sum of `terms`."""
        return terms if self.chain_terms is None else min(terms, self.chain_terms)

    @property
    def top(self) -> int:
        """Largest accumulator code."""
        return (1 << (self.accumulator_bits - 1)) - 1

    def holds(self, terms: int, a: Ints, b: Ints, start: int = 0) -> bool:
        """Whether no sum of `terms` products (plus `start`) can leave the accumulator.

        |sum| <= terms max|a| max|b| + |start|, with the maxima of the codes really present.
        """
        return self.holds_peaks(terms, max_abs(a), max_abs(b), start)

    def holds_peaks(self, terms: int, a_peak: int, b_peak: int, start: int = 0) -> bool:
        """As `holds`, for known maxima."""
        return self.prove and terms * a_peak * b_peak + start <= self.top

    def lanes(self, terms: int, a: Ints, b: Ints, start: int = 0, chain: int | None = None) -> blas.Lanes | None:
        """The float BLAS that sums `chain` (default: all) of these products exactly; None where one might overflow."""
        peaks = max_abs(a), max_abs(b)
        if not self.holds_peaks(terms, *peaks, start):
            return None
        return blas.lanes(terms if chain is None else chain, *peaks)


def forward(sums: Summation, shape: WeightedLayer, x: Ints, w: Ints, bias: Ints) -> tuple[Ints, ProductTally]:
    """im2col(x) @ w + bias: x (batch, h, w, c), w (k, out_c), bias (out_c,) at accumulator scale."""
    rows = x.shape[0] * shape.positions
    acc = np.empty((rows, shape.out_c), container(sums.accumulator_bits))
    how = sums.lanes(shape.fan_in, x, w, max_abs(bias))
    if how is not None:
        acc[:] = bias
        return acc, ProductTally(macs=blas.forward(shape, x, w, how, acc))

    def work(first: int, last: int) -> ProductTally:
        return _guarded(
            forward_rows(
                x,
                w,
                bias,
                shape.stride,
                shape.padding,
                shape.kernel_h,
                shape.kernel_w,
                shape.out_h,
                shape.out_w,
                first,
                last,
                sums.depth(shape.fan_in),
                sums.accumulator_bits,
                sums.wraps,
                acc,
            )
        )

    return acc, sum(run(work, rows), ProductTally())


def weight_gradient(sums: Summation, shape: WeightedLayer, x: Ints, delta: Ints) -> tuple[Ints, ProductTally]:
    """im2col(x)^T @ delta: x (batch, h, w, c), delta (positions, out_c); acc (k, out_c)."""
    acc = np.zeros((shape.fan_in, shape.out_c), container(sums.accumulator_bits))
    how = sums.lanes(delta.shape[0], x, delta)
    if how is not None:
        return acc, ProductTally(macs=blas.weight_gradient(shape, x, delta, how, acc))

    def work(first: int, last: int) -> ProductTally:
        return _guarded(
            weight_grad_rows(
                x,
                delta,
                shape.stride,
                shape.padding,
                shape.kernel_h,
                shape.kernel_w,
                shape.out_h,
                shape.out_w,
                first,
                last,
                sums.depth(len(delta)),
                sums.accumulator_bits,
                sums.wraps,
                acc,
            )
        )

    return acc, sum(run(work, shape.fan_in), ProductTally())


def input_gradient(sums: Summation, shape: WeightedLayer, delta: Ints, w: Ints) -> tuple[Ints, ProductTally]:
    """col2im(delta @ w^T): delta (batch, out_h, out_w, out_c), w (k, out_c); acc (batch, h, w, c)."""
    terms = shape.out_c * shape.kernel_h * shape.kernel_w
    acc = np.zeros((delta.shape[0], shape.in_h, shape.in_w, shape.in_c), container(sums.accumulator_bits))
    how = sums.lanes(terms, delta, w, chain=shape.out_c)
    if how is not None:
        return acc, ProductTally(macs=blas.input_gradient(shape, delta, w, how, acc))
    turned = np.ascontiguousarray(w.T)

    def work(first: int, last: int) -> ProductTally:
        return _guarded(
            input_grad_images(
                delta,
                turned,
                shape.stride,
                shape.padding,
                shape.kernel_h,
                shape.kernel_w,
                first,
                last,
                sums.depth(shape.out_c),
                sums.accumulator_bits,
                sums.wraps,
                acc,
            )
        )

    return acc, sum(run(work, delta.shape[0]), ProductTally())


def _guarded(counts: tuple[int, int]) -> ProductTally:
    """The tally of a guarded kernel, which returns (products, overflows)."""
    macs, overflows = (int(count) for count in counts)
    return ProductTally(macs=macs, overflows=overflows, guarded=macs)


def depthwise(
    sums: Summation, shape: WeightedLayer, direction: str, x: Ints, w: Ints, out: Ints, *, on_array: bool = False
) -> ProductTally:
    """One direction of a depthwise convolution; the array it writes must hold zeros.

    x (batch, h, w, c), w (kh, kw, c), out (batch, out_h, out_w, c). The vector unit keeps one accumulator an
    output; `on_array` adds as the array does that runs one product a channel.
    """
    which = DEPTHWISE_DIRECTIONS[direction]
    taps = shape.kernel_h * shape.kernel_w
    factors = [(x, w, taps), (out, w, taps), (x, out, out.shape[0] * shape.positions)][which]
    exact = sums.holds(factors[2], factors[0], factors[1])
    if on_array and not exact:
        return sum((_channel(sums, shape, direction, x, w, out, c) for c in range(shape.out_c)), ProductTally())

    def work(first: int, last: int) -> ProductTally:
        done, over = depthwise_images(
            x, w, out, which, shape.stride, shape.padding, first, last, sums.accumulator_bits, sums.wraps, exact
        )
        return ProductTally(macs=int(done)) if exact else _guarded((done, over))

    # the weight gradient sums over the whole batch into one array, so it runs on one thread
    return sum(run(work, x.shape[0], threads=1 if direction == "weight_grad" else None), ProductTally())


def _channel(
    sums: Summation, shape: WeightedLayer, direction: str, x: Ints, w: Ints, out: Ints, channel: int
) -> ProductTally:
    """One channel of a depthwise convolution as a product of its own.

    Groups packed into one patch share it with zeros, which change no sum.
    """
    one = replace(shape, kind="conv", in_c=1, out_c=1)
    maps, errors = (np.ascontiguousarray(part[..., channel : channel + 1]) for part in (x, out))
    taps = np.ascontiguousarray(w[..., channel]).reshape(-1, 1)
    if direction == "forward":
        acc, tally = forward(sums, one, maps, taps, np.zeros(1, np.int64))
        out[..., channel] = acc.reshape(errors.shape[:-1])
    elif direction == "input_grad":
        acc, tally = input_gradient(sums, one, errors, taps)
        x[..., channel] = acc[..., 0]
    else:
        acc, tally = weight_gradient(sums, one, maps, errors.reshape(-1, 1))
        w[..., channel] = acc.reshape(w.shape[:-1])
    return tally
