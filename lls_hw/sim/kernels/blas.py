"""Products whose sums cannot overflow, through floating-point BLAS: the array's own bits, sooner.

A float of p significand bits adds integers exactly, in any order and with fused multiply-adds, as long as
no partial sum passes 2**p. `lanes` picks the narrowest float and the number of terms for which the codes
really present prove that; longer sums are cut into pieces that are added as integers. The callers have
proven that no sum leaves the accumulator, so folds and guards cannot change a bit (ADR 008).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.sim.kernels.codes import Ints
from lls_hw.sim.kernels.gemm import add_columns, gather_rows
from lls_hw.sim.kernels.threads import ranges, run

Floats = NDArray[np.floating[Any]]

SIGNIFICANDS: tuple[tuple[type, int], ...] = ((np.float32, 24), (np.float64, 53))
WORTH_TERMS = 64  # shorter pieces than this spend more time being added than being multiplied
MATRIX_BYTES = 1 << 22  # of an unfolded map at a time
NEAR_ROWS = 512  # converted at a time, so that the copy stays in a near cache


class Lanes(NamedTuple):
    """A float type, and how many products of the codes at hand it sums exactly."""

    kind: type
    terms: int


def lanes(terms: int, a_peak: int, b_peak: int) -> Lanes:
    """Narrowest float for sums of `terms` products of codes of at most these magnitudes.

    terms a_peak b_peak < 2**53, which every accumulator of up to 53 bits that holds the sum implies.

    Examples
    --------
    >>> lanes(288, 127, 127).kind.__name__, lanes(12544, 127, 127).terms, lanes(9, 32767, 32767).kind.__name__
    ('float32', 1040, 'float64')
    """
    product = max(1, a_peak * b_peak)
    for kind, bits in SIGNIFICANDS:
        most = (1 << bits) // product
        if most >= min(terms, WORTH_TERMS):
            return Lanes(kind, min(terms, most))
    raise AssertionError(f"{terms} products of {a_peak} and {b_peak} were said to fit an accumulator")


def add_product(a: Floats, b: Floats, terms: int, acc: Ints) -> None:
    """acc (m, n) += a (m, k) @ b (k, n), at most `terms` terms in one float sum."""
    for first in range(0, a.shape[1], max(1, terms)):
        inner = slice(first, first + terms)
        found = a[:, inner] @ b[inner]

        def add(low: int, high: int, found: Floats = found) -> None:
            for at in range(low, high, NEAR_ROWS):
                part = slice(at, min(at + NEAR_ROWS, high))
                acc[part] += found[part].astype(acc.dtype)

        run(add, len(acc), least=NEAR_ROWS)


def pieces(length: int, row_bytes: int) -> list[tuple[int, int]]:
    """Row ranges of which none unfolds to much more than MATRIX_BYTES."""
    return ranges(length, -(-length * row_bytes // MATRIX_BYTES))


def words_of(x: Ints, kind: type) -> Ints:
    """Codes as floats, seen as integer words of the same size: what moves them needs no arithmetic."""
    floats: Floats = x.astype(kind)
    return floats.view(np.int32 if floats.itemsize == 4 else np.int64)


def unfold(shape: WeightedLayer, words: Ints, first: int, last: int, kind: type) -> Floats:
    """Rows first ... last - 1 of the im2col of a map of words, as floats (rows, k)."""
    out = np.empty((last - first, shape.fan_in), words.dtype)

    def work(low: int, high: int) -> None:
        gather_rows(
            words,
            shape.stride,
            shape.padding,
            shape.kernel_h,
            shape.kernel_w,
            shape.out_h,
            shape.out_w,
            first + low,
            out[low:high],
        )

    run(work, last - first, least=NEAR_ROWS)
    return out.view(kind)


def forward(shape: WeightedLayer, x: Ints, w: Ints, how: Lanes, acc: Ints) -> int:
    """acc (rows, out_c) += im2col(x) @ w; returns the products performed."""
    words = words_of(x, how.kind)
    weights: Floats = w.astype(how.kind)
    for first, last in pieces(len(acc), shape.fan_in * weights.itemsize):
        add_product(unfold(shape, words, first, last, how.kind), weights, how.terms, acc[first:last])
    return len(acc) * w.size


def weight_gradient(shape: WeightedLayer, x: Ints, delta: Ints, how: Lanes, acc: Ints) -> int:
    """acc (k, out_c) += im2col(x)^T @ delta; returns the products performed."""
    words = words_of(x, how.kind)
    for first, last in pieces(len(delta), shape.fan_in * words.itemsize):
        columns = unfold(shape, words, first, last, how.kind)
        add_product(columns.T, delta[first:last].astype(how.kind), how.terms, acc)
    return len(delta) * acc.size


def input_gradient(shape: WeightedLayer, delta: Ints, w: Ints, how: Lanes, acc: Ints) -> int:
    """acc (batch, h, w, c) += col2im(delta @ w^T); returns the products performed."""
    turned: Floats = w.T.astype(how.kind)
    for first, last in pieces(len(delta), shape.positions * shape.fan_in * acc.itemsize):
        errors: Floats = delta[first:last].reshape(-1, shape.out_c).astype(how.kind)
        columns = np.zeros((len(errors), shape.fan_in), acc.dtype)
        add_product(errors, turned, how.terms, columns)
        images = columns.reshape(last - first, shape.out_h, shape.out_w, shape.fan_in)

        def fold(low: int, high: int, images: Ints = images, first: int = first) -> None:
            add_columns(
                images[low:high],
                shape.stride,
                shape.padding,
                shape.kernel_h,
                shape.kernel_w,
                acc[first + low : first + high],
            )

        run(fold, last - first)
    return len(delta) * shape.positions * w.size
