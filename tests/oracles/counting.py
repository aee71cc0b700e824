"""Integers that count what is done to them, in the classes of events of a chip. Imports nothing of ours.

A `Word` is a datum. Its products, sums, comparisons, divisions, and shifts by an amount that is not written in the
program's text enter the ledger; a product that is added to something as it leaves the multiplier is one
multiply-accumulate. An `Amount` is a number of bits or an exponent: arithmetic on it is control, and no event.
Everything else (Python's integers) is a constant of the design: shifting by one, or multiplying by a power of two, is
wires.
"""

from collections import Counter
from typing import Any

import numpy as np

LEDGER: Counter = Counter()


class Amount(int):
    """A number of bits to shift by."""

    __array_ufunc__ = None


def _amount(name: str) -> Any:
    plain = getattr(int, name)

    def method(self: int, *others: Any) -> Any:
        found = plain(int(self), *(int(other) for other in others))
        return Amount(found)

    return method


for _name in ("add", "radd", "sub", "rsub", "mul", "rmul", "neg", "and", "rshift", "floordiv"):
    setattr(Amount, f"__{_name}__", _amount(f"__{_name}__"))


class Word(int):
    """A datum on its way through a lane."""

    __array_ufunc__ = None
    product = False

    def _sum(self, other: Any, value: int) -> "Word":
        fresh = self.product or (isinstance(other, Word) and other.product)
        LEDGER["macs" if fresh else "adds"] += 1
        LEDGER["multiplies"] -= int(fresh)
        return Word(value)

    def __add__(self, other: Any) -> "Word":
        return self._sum(other, int(self) + int(other))

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Word":
        return self._sum(other, int(self) - int(other))

    def __rsub__(self, other: Any) -> "Word":
        return self._sum(other, int(other) - int(self))

    def __mul__(self, other: Any) -> "Word":
        found = Word(int(self) * int(other))
        if isinstance(other, Word | np.integer) or abs(int(other)).bit_count() > 1:
            LEDGER["multiplies"] += 1
            found.product = True
        return found

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> "Word":
        LEDGER["divides"] += int(isinstance(other, Word | np.integer) or int(other).bit_count() > 1)
        return Word(int(self) // int(other))

    def __mod__(self, other: Any) -> "Word":
        return Word(int(self) % int(other))

    def __rshift__(self, other: Any) -> "Word":
        LEDGER["shifts"] += int(isinstance(other, Word | Amount))
        return Word(int(self) >> int(other))

    def __lshift__(self, other: Any) -> "Word":
        LEDGER["shifts"] += int(isinstance(other, Word | Amount))
        return Word(int(self) << int(other))

    def __and__(self, other: Any) -> "Word":
        return Word(int(self) & int(other))

    __rand__ = __and__

    def __neg__(self) -> "Word":
        return Word(-int(self))

    def __lt__(self, other: Any) -> bool:
        LEDGER["compares"] += 1
        return int(self) < int(other)

    def __gt__(self, other: Any) -> bool:
        LEDGER["compares"] += 1
        return int(self) > int(other)

    def __le__(self, other: Any) -> bool:
        LEDGER["compares"] += 1
        return int(self) <= int(other)

    def __ge__(self, other: Any) -> bool:
        LEDGER["compares"] += 1
        return int(self) >= int(other)


def tally(**events: int) -> Counter:
    """Events by class; a requantisation is a shift and the two comparisons of its clamp."""
    return Counter(events)


def unfolded(events: Counter) -> Counter:
    """The same with every requantisation as its parts, zeros left out."""
    total = Counter({name: number for name, number in events.items() if name != "requantises"})
    total["shifts"] += events["requantises"]
    total["compares"] += 2 * events["requantises"]
    return Counter({name: number for name, number in total.items() if number})
