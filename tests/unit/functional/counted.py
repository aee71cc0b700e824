"""The functional engine with its kernels run line by line on counting integers.

A kernel's own Python form runs with its module's names replaced: `np.int64` of an array's element makes a `Word`,
arrays hand out `Word`s, parameters that are numbers of bits are `Amount`s, and the primitives below, which the chip has
as circuits, count as one event each. Everything else is counted where the kernel's text does it.
"""

import inspect
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from lls_hw.sim.functional import frozen, group_norm, local, loss, machine, norm_errors, normalise, pooling, update
from lls_hw.sim.kernels import jit
from tests.oracles.counting import LEDGER, Amount, Word

STOCHASTIC = 3
CONTROL = {
    "first", "last", "is_max", "store", "wraps", "mode", "key", "origin", "pitch", "total_bits", "kind", "label",
    "bits", "labels", "batch",
}  # fmt: skip
"""Parameters that decide what is done and are no data."""
EXPONENT_ROWS = (2, 4)  # of BatchNorm's `stats`
GROUP_EXPONENT = 2  # of a group's `words`


def is_amount(name: str) -> bool:
    """Whether a parameter is a number of bits."""
    return name in ("room", "drop", "shift", "shifts") or name.endswith(("_frac", "_shift", "_exp", "frac", "fracs"))


class Array:
    """An array whose elements are counting integers; what it stores are its own plain ones."""

    def __init__(self, plain: Any, name: str = "") -> None:
        self.plain, self.name = np.asarray(plain), name

    def __getitem__(self, at: Any) -> Any:
        found = self.plain[at]
        if isinstance(found, np.ndarray):
            return Array(found, self.name)
        is_exponent = isinstance(at, tuple) and (
            (self.name == "stats" and at[0] in EXPONENT_ROWS) or (self.name == "words" and at[1] == GROUP_EXPONENT)
        )
        if is_amount(self.name) or is_exponent:
            return Amount(found)
        if self.name == "table":
            LEDGER["table_reads"] += 1
        return int(found) if self.name in CONTROL or self.name in ("rows", "cols") else Word(found)

    def __setitem__(self, at: Any, value: Any) -> None:
        self.plain[at] = value.plain if isinstance(value, Array) else value

    def __getattr__(self, name: str) -> Any:
        return getattr(self.plain, name)

    def __len__(self) -> int:
        return len(self.plain)


class Numpy:
    """What kernels use of NumPy."""

    @staticmethod
    def int64(value: Any) -> Any:
        """Words and amounts stay what they are; an array's element is a word; text is a constant."""
        if isinstance(value, Word | Amount) or not isinstance(value, np.integer):
            return value
        return Word(value)

    @staticmethod
    def empty(shape: Any, dtype: Any = np.int64) -> Array:
        """Room for words."""
        return Array(np.empty(shape, np.int64))

    zeros = staticmethod(lambda shape, dtype=np.int64: Array(np.zeros(shape, np.int64)))


def shift_round(value: Any, shift: Any, mode: int, bits: Any) -> Word:
    """One shift, unless its amount is written in the text."""
    LEDGER["shifts"] += int(isinstance(shift, Word | Amount))
    return Word(_real("shift_round")(int(value), int(shift), int(mode), int(bits)))


def _one(event: str, name: str) -> Callable[..., Word]:
    def primitive(*args: Any) -> Word:
        LEDGER[event] += 1
        return Word(_real(name)(*(np.int64(int(arg)) for arg in args)))

    return primitive


def _pair(name: str, **events: int) -> Callable[..., tuple[Word, Amount]]:
    def primitive(*args: Any) -> tuple[Word, Amount]:
        LEDGER.update(events)
        mantissa, exponent = _real(name)(*(np.int64(int(arg)) for arg in args))
        return Word(mantissa), Amount(exponent)

    return primitive


def narrow_row(wide: Array, shifts: Array, mode: int, *rest: Any) -> int:
    """A row of requantisations."""
    LEDGER.update(requantises=wide.size, draws=wide.size * int(mode == STOCHASTIC))
    *numbers, out = rest
    return int(_real("narrow_row")(wide.plain, shifts.plain, mode, *(int(n) for n in numbers), out.plain))


PRIMITIVES: dict[str, Callable[..., Any]] = {
    "shift_round": shift_round,
    "divide_round": _one("divides", "divide_round"),
    "farthest": _one("peaks", "farthest"),
    "random_bits": _one("draws", "random_bits"),
    "normalise": _pair("normalise", shifts=1),
    "sqrt_ratio": _pair("sqrt_ratio", divides=2, shifts=1),
    "bit_length": lambda value: Amount(_real("bit_length")(int(value))),
    "narrow_row": narrow_row,
}


def _real(name: str) -> Any:
    return jit.KERNELS[name]


def lines_of(name: str) -> Callable[..., Any]:
    """A kernel's own lines, with what they call replaced likewise."""
    function = getattr(_real(name), "py_func", _real(name))
    names = {**function.__globals__, "np": Numpy}
    for other in set(function.__code__.co_names) & set(jit.KERNELS):
        names[other] = PRIMITIVES.get(other) or lines_of(other)
    return types.FunctionType(function.__code__, names, name, function.__defaults__)


def counting(name: str) -> Callable[..., Any]:
    """A kernel line by line on counting integers."""
    inner = lines_of(name)
    parameters = tuple(inspect.signature(getattr(_real(name), "py_func", _real(name))).parameters)

    def run(*args: Any) -> Any:
        return inner(*(_given(parameter, arg) for parameter, arg in zip(parameters, args, strict=True)))

    return run


def _given(name: str, value: Any) -> Any:
    """An argument as the kernel should see it: counting, or plain where it is control."""
    if isinstance(value, np.ndarray):
        return Array(value, name)
    if isinstance(value, Word | Amount | Array) or name in CONTROL:
        return value
    if isinstance(value, tuple):  # a record of numbers and arrays
        return type(value)(*(_given(field, part) for field, part in zip(value._fields, value, strict=True)))
    return Amount(value) if is_amount(name) else Word(value)


class Kernels:
    """A module of kernels whose functions count; its tables and constants are its own."""

    def __init__(self, module: types.ModuleType) -> None:
        self.module = module

    def __getattr__(self, name: str) -> Any:
        return counting(name) if name in jit.KERNELS else getattr(self.module, name)


def patch(monkeypatch: Any) -> None:
    """Let the functional engine run on counting kernels, on one thread."""
    monkeypatch.setenv("LLS_HW_THREADS", "1")
    for module in (frozen, group_norm, local, loss, norm_errors, normalise, pooling, update):
        for name, value in list(vars(module).items()):
            if name in jit.KERNELS and value is jit.KERNELS[name]:
                monkeypatch.setattr(module, name, counting(name))
            elif isinstance(value, types.ModuleType) and value.__name__.startswith("lls_hw.sim.kernels."):
                monkeypatch.setattr(module, name, Kernels(value))
    requantise, max_abs = machine.requantise, machine.max_abs

    def counted_requantise(acc: Any, shift: int, bits: int, how: Any) -> Any:
        LEDGER.update(requantises=acc.size, draws=acc.size * int(how.mode == STOCHASTIC))
        return requantise(acc, shift, bits, how)

    def counted_peak(values: Any) -> int:
        LEDGER["peaks"] += values.size
        return max_abs(values)

    monkeypatch.setattr(machine, "requantise", counted_requantise)
    monkeypatch.setattr(machine, "max_abs", counted_peak)
