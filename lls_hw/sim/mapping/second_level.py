"""Tensors that live in a second memory on the chip instead of in DRAM: chosen by software, ahead.

A tensor may live there when it fits from the first op that touches it to the last, both included; what outlives the
step (masters, momenta, statistics) lives there all the time. What comes from outside, inputs and labels, does not, nor
does a tensor under whose name something else moves (partial sums, signs): that is in DRAM. All loads of an op come
before a later op's first store, so ops one after the other may use the same bytes.

Which: those that save the most DRAM bytes together, by `scipy.optimize.milp`. Groups of ops that share their tiles move
fewer tensors, and those of their maps that they store.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from lls_hw.models.program.ops.base import Tensor
from lls_hw.models.program.program import Program
from lls_hw.sim.mapping.tile import Plan, Transfer, moves

SECOND_LATENCY_CYCLES = 2
"""From a request to the first word: one cycle to address a bank, one for its registered output."""

AT_SECOND = " at second"
"""End of a span's name where the second level serves it."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A tensor that may live in the second level from op `first` to op `last`, both included, and what that saves."""

    tensor: str
    size_bytes: int
    first: int
    last: int
    saved_bytes: int


@dataclass(frozen=True, slots=True)
class SecondLevel:
    """The tensors that live there, and the bytes held while each op runs."""

    guests: tuple[Guest, ...] = ()
    held_bytes: tuple[int, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Tensors whose transfers go there."""
        return frozenset(guest.tensor for guest in self.guests)

    @property
    def peak_bytes(self) -> int:
        """Most bytes held at a time."""
        return max(self.held_bytes, default=0)


NO_SECOND = SecondLevel()


def plan_second_level(program: Program, plans: Sequence[Plan], capacity_bytes: int) -> SecondLevel:
    """The tensors that save the most DRAM bytes of these plans in a memory of `capacity_bytes`."""
    chosen = pack(guests_of(program, plans), capacity_bytes, len(plans))
    return SecondLevel(chosen, tuple(held_at(chosen, len(plans))))


def guests_of(program: Program, plans: Sequence[Plan]) -> list[Guest]:
    """Every tensor that may live there, with the bytes of its transfers."""
    saved: dict[str, int] = {}
    foreign: set[str] = set()
    for plan in plans:
        for transfer, times, _ in moves(plan):
            saved[transfer.tensor] = saved.get(transfer.tensor, 0) + times * transfer.bus_bytes
            tensor = program.tensors.get(transfer.tensor)
            if tensor is None or not _is_of(transfer, tensor):
                foreign.add(transfer.tensor)
    found = []
    for name, bytes_ in saved.items():
        if name in foreign:
            continue
        tensor, life = program.tensors[name], program.lifetimes[name]
        if tensor.role in ("input", "label"):
            continue
        if tensor.kept or name not in program.ops[life.first_op].reads:
            found.append(Guest(name, tensor.size_bytes, life.first_op, life.last_op, bytes_))
    return found


def _is_of(transfer: Transfer, tensor: Tensor) -> bool:
    """Whether it moves codes of the tensor itself, not wider sums in its place nor signs."""
    whole = transfer.elements <= tensor.elements
    return whole and transfer.payload_bytes == -(-transfer.elements * tensor.bits // 8)


def pack(guests: Sequence[Guest], capacity_bytes: int, ops: int) -> tuple[Guest, ...]:
    """The guests that fit together at every op and save the most bytes, exactly (HiGHS; Huangfu and Hall 2018):

        maximise  sum of saved[t] x[t]    such that at every op  sum of size[t] x[t] over those alive <= capacity

    Examples
    --------
    >>> a, b, c = Guest("a", 4, 0, 1, 9), Guest("b", 4, 2, 3, 5), Guest("c", 4, 1, 2, 10)
    >>> [guest.tensor for guest in pack([a, b, c], 4, 4)]
    ['a', 'b']
    """
    able = [guest for guest in guests if guest.size_bytes <= capacity_bytes and guest.saved_bytes > 0]
    if not able:
        return ()
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp

    able.sort(key=lambda one: (one.first, one.tensor))
    ends = sorted({at for guest in able for at in (guest.first, guest.last)})  # the fullest op is one of them
    alive = [[one.size_bytes if one.first <= at <= one.last else 0 for one in able] for at in ends]
    with _muted():
        solved = milp(
            -np.array([guest.saved_bytes for guest in able], np.float64),
            constraints=LinearConstraint(np.array(alive, np.float64) / capacity_bytes, ub=1.0),
            integrality=np.ones(len(able)),
            bounds=Bounds(0, 1),
            options={"mip_rel_gap": 0.0},
        )
    assert solved.success, f"tensors of the second level: {solved.message}"
    found = tuple(guest for guest, share in zip(able, solved.x, strict=True) if share > 0.5)
    assert max(held_at(found, ops)) <= capacity_bytes, f"{found} in {capacity_bytes} bytes"
    return found


@contextmanager
def _muted() -> Iterator[None]:
    """Nothing of what C code prints reaches the standard output: HiGHS leaves a line there now and then."""
    sys.stdout.flush()
    kept = os.dup(1)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def _occupy(used: list[int], guest: Guest, sign: int) -> None:
    for op in range(guest.first, guest.last + 1):
        used[op] += sign * guest.size_bytes


def held_at(guests: Sequence[Guest], ops: int) -> list[int]:
    """Bytes held while each op runs."""
    used = [0] * ops
    for guest in guests:
        _occupy(used, guest, 1)
    return used


def sizes(level: SecondLevel) -> Mapping[str, int]:
    """Bytes of each tensor that lives there, largest first."""
    return {one.tensor: one.size_bytes for one in sorted(level.guests, key=lambda one: -one.size_bytes)}
