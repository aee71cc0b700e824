"""Typed wrappers of the narrowing kernels: widths, containers, peaks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from lls_hw.models.spec.precision import Overflow, Rounding
from lls_hw.sim.kernels.codes import Ints
from lls_hw.sim.kernels.events import DRAW, Events
from lls_hw.sim.kernels.narrow import max_abs_of, requantise_into, requantise_rows
from lls_hw.sim.kernels.threads import run

LEAST = 1 << 16  # codes worth a thread

ROUNDINGS: dict[Rounding, int] = {"nearest_even": 0, "half_up": 1, "floor": 2, "stochastic": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Narrowing:
    """A way to narrow codes: rounding, overflow, and the random stream.

    Attributes
    ----------
    key : of the stream.
    origin, pitch : place of the first code in its tensor; and, of a piece whose last axis is a row, the codes of the
        tensor from one row to the next (0: the piece is contiguous).
    """

    rounding: Rounding = "nearest_even"
    overflow: Overflow = "saturate"
    key: int = 0
    origin: int = 0
    pitch: int = 0

    @property
    def mode(self) -> int:
        """The kernels' number for the rounding."""
        return ROUNDINGS[self.rounding]

    @property
    def wraps(self) -> bool:
        """Whether codes that do not fit wrap instead of saturating."""
        return self.overflow == "wrap"

    @property
    def events(self) -> Events:
        """The events of one word narrowed: with a random draw where it is rounded stochastically."""
        return {"requantises": 1, **(DRAW if self.rounding == "stochastic" else {})}


def container(bits: int) -> DTypeLike:
    """Narrowest NumPy integer that holds `bits` bits.

    Examples
    --------
    >>> container(4).__name__, container(12).__name__, container(48).__name__
    ('int8', 'int16', 'int64')
    """
    return next(kind for kind, width in ((np.int8, 8), (np.int16, 16), (np.int32, 32), (np.int64, 64)) if bits <= width)


def requantise(acc: Ints, shift: int, bits: int, how: Narrowing) -> tuple[Ints, int]:
    """acc / 2**shift as codes of `bits` bits; also how many did not fit.

    |acc| < 2**62. A negative shift grows the fraction exactly; what leaves the width does not fit.
    """
    out = np.empty(acc.shape, container(bits))
    if how.pitch:
        rows, found = acc.reshape(-1, acc.shape[-1]), out.reshape(-1, acc.shape[-1])
        args = (how.mode, how.key, how.origin, how.pitch, bits, how.wraps)
        return out, int(requantise_rows(rows, shift, *args, found))
    flat, codes = acc.reshape(-1), out.reshape(-1)

    def work(first: int, last: int) -> int:
        part = slice(first, last)
        return requantise_into(flat[part], shift, how.mode, how.key, how.origin + first, bits, how.wraps, codes[part])

    return out, int(sum(run(work, flat.size, least=LEAST)))


def max_abs(values: Ints) -> int:
    """Largest magnitude of any array of codes."""
    flat = values.reshape(-1)
    return int(max(run(lambda first, last: max_abs_of(flat[first:last]), flat.size, least=LEAST)))
