"""Numbers that people type: for every quantity one legal range, one reader, one wording.

The command line, lists in its options, topology tables and TOML fields all ask here, so that a
number is legal everywhere or nowhere. Digits are ASCII, a number has at most 40 characters and
is finite, so nothing that is read can overflow what it is multiplied with.
"""

import re
from dataclasses import dataclass
from typing import Any

from lls_hw.models.spec.errors import SpecError

_MOST_CHARACTERS = 40
_WHOLE = re.compile(r"[+-]?[0-9]+")
_REAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole number from `least` to `most`.

    Examples
    --------
    >>> Whole(least=1, most=8).read("--batch", "4")
    4
    >>> Whole(least=1, most=8).read("--batch", "9")
    Traceback (most recent call last):
    lls_hw.models.spec.errors.SpecError: --batch = '9': it takes a whole number from 1 to 8. Correct the number.
    """

    least: int
    most: int

    @property
    def range(self) -> str:
        """The legal range in words."""
        return f"{self.least} to {self.most}"

    @property
    def bounds(self) -> dict[str, Any]:
        """The same range as arguments of pydantic's `Field`."""
        return {"ge": self.least, "le": self.most}

    def read(self, where: str, text: str) -> int:
        """The number that a text spells.

        Raises
        ------
        SpecError : it spells none, or one outside the range.
        """
        if len(text) > _MOST_CHARACTERS or _WHOLE.fullmatch(text) is None:
            raise self._refusal(where, text)
        return self.check(where, int(text), text)

    def check(self, where: str, number: int, found: object = None) -> int:
        """The number itself, if it is in the range; `found` is how it was written."""
        if not self.least <= number <= self.most:
            raise self._refusal(where, number if found is None else found)
        return number

    def _refusal(self, where: str, found: object) -> SpecError:
        return SpecError(where, found, f"it takes a whole number from {self.range}", "Correct the number.")


_KIB = {"": 1, "kib": 1, "k": 1, "mib": 1 << 10, "m": 1 << 10}
_BARE_MOST_KIB = 1 << 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Kibibytes(Whole):
    """A capacity in KiB, plain or with its unit; a plain number that large was meant in bytes.

    Examples
    --------
    >>> sizes = Kibibytes(least=1, most=1 << 20)
    >>> sizes.read("--sram", "96"), sizes.read("--sram", "96KiB"), sizes.read("--sram", "1 MiB")
    (96, 96, 1024)
    """

    def read(self, where: str, text: str) -> int:
        """The KiB that a text spells, with `KiB` or `MiB` behind it or nothing.

        Raises
        ------
        SpecError : it spells none, one outside the range, or so many without a unit that bytes were likely meant.
        """
        digits = text.rstrip("KkMmIiBb ")
        unit = text[len(digits) :].strip().lower()
        if unit not in _KIB:
            raise SpecError(where, text, "capacities are of KiB or MiB", "Write, for example, 96KiB or 1MiB.")
        number = Whole.read(self, where, digits)
        if not unit and number > _BARE_MOST_KIB:
            mib = f"{number / 1024:g}"
            need = f"a number without unit is of KiB, and this is {mib} MiB"
            raise SpecError(where, text, need, f"Write {number // 1024} if bytes were meant, or {mib}MiB.")
        return self.check(where, number * _KIB[unit], text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """A real number from `least` to `most`, or below `most` where it is `open`.

    Examples
    --------
    >>> Real(least=0, most=1, open=True).read("--momentum", "0.9")
    0.9
    >>> Real(least=0, most=1, open=True).range
    '0 to below 1'
    """

    least: float
    most: float
    open: bool = False

    @property
    def range(self) -> str:
        """The legal range in words."""
        return f"{self.least:g} to {'below ' if self.open else ''}{self.most:g}"

    @property
    def bounds(self) -> dict[str, Any]:
        """The same range as arguments of pydantic's `Field`."""
        return {"ge": self.least, "lt" if self.open else "le": self.most, "allow_inf_nan": False}

    def read(self, where: str, text: str) -> float:
        """The number that a text spells.

        Raises
        ------
        SpecError : it spells none, or one outside the range.
        """
        if len(text) > _MOST_CHARACTERS or _REAL.fullmatch(text) is None:
            raise self._refusal(where, text)
        number = float(text)
        if not self.least <= number <= self.most or (self.open and number == self.most):
            raise self._refusal(where, text)
        return number

    def _refusal(self, where: str, found: object) -> SpecError:
        return SpecError(where, found, f"it takes a number from {self.range}", "Correct the number.")


Quantity = Whole | Real


def read_sides(where: str, text: str, quantity: Whole, *, names: tuple[str, ...], example: str) -> tuple[int, ...]:
    """Sides with an x between them, one for each of `names`.

    Raises
    ------
    SpecError : another number of sides, or one outside the range.

    Examples
    --------
    >>> read_sides("--array", "16X8", ARRAY_SIDE, names=("rows", "columns"), example="16x16")
    (16, 8)
    """
    parts = text.lower().split("x")
    if len(parts) != len(names) or not all(parts):
        raise SpecError(where, text, f"it is not {' x '.join(names)}", f"Write, for example, {example}.")
    try:
        return tuple(quantity.read(where, part) for part in parts)
    except SpecError:
        need = f"{', '.join(names)} are whole numbers from {quantity.range}"
        raise SpecError(where, text, need, f"Write, for example, {example}.") from None


COUNT = Whole(least=1, most=10**9)
"""Images, steps between checkpoints, trials: what only time limits."""
BATCH = Whole(least=1, most=1 << 16)
STEPS = Whole(least=1, most=1 << 20)
EPOCHS = Whole(least=1, most=10**6)
SEED = Whole(least=0, most=(1 << 31) - 1)
CLASSES = Whole(least=2, most=1 << 16)
SRAM_KIB = Kibibytes(least=1, most=1 << 20)
ARRAY_SIDE = Whole(least=1, most=1024)
"""A side of a chip's array, which is simulated element by element."""
CLOSED_SIDE = Whole(least=1, most=1 << 20)
"""A side of an array that only closed forms see."""
MAP_SIDE = Whole(least=1, most=1 << 20)
"""Channels, rows, columns of a network's input; the counts in its layers."""
LAYER_SIZE = Whole(least=1, most=1 << 30)
"""A size in a topology table."""
JOBS = Whole(least=1, most=4096)
TEMPERATURE = Real(least=0.001, most=64)
RATE = Real(least=1e-9, most=16)
SHARE = Real(least=0, most=1, open=True)
"""Momentum, smoothing, slopes."""
COSINE = Real(least=-1, most=1)
PRICE = Real(least=0, most=1e12)
"""Energy or power of an event, as a technology file gives it."""
SIZED_PRICE = Real(least=1e-12, most=1e12)
"""A figure that is divided by, or a size that cannot be nothing."""
CLOCK_MHZ = Real(least=1e-3, most=10_000)
