"""Choice of the tensors that stay in the scratchpad between ops, from lifetimes and sizes alone.

A tensor's *gap* is the stretch between two consecutive ops that touch it. Keeping it over a gap saves
the later op's reads; keeping it over all gaps from its birth to its last use saves the write as well.
Gaps are granted shortest first (a byte kept over a short gap blocks the fewest ops), then small tensors
first, then by name, as long as every op from one end of the gap to the other still has room for its tiles.
The same rule serves LLS and BP; only the lifetimes differ.

Tensors that outlive the step (weights, masters, statistics) and inputs start it in DRAM: the first op
of a stay loads them whole, and an op that writes one stores it too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lls_hw.models.program.program import Program
from lls_hw.sim.mapping.context import Place


@dataclass(frozen=True, slots=True)
class Stay:
    """A tensor in the scratchpad from op `first` to op `last`, both included."""

    tensor: str
    size_bytes: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Residency:
    """All stays, and where each op finds each of its tensors."""

    stays: tuple[Stay, ...]
    places: tuple[Mapping[str, Place], ...]
    resident_bytes: tuple[int, ...]


def touches(program: Program) -> dict[str, list[int]]:
    """Ops that read or write each tensor, in order."""
    at: dict[str, list[int]] = {}
    for index, op in enumerate(program.ops):
        for name in dict.fromkeys((*op.reads, *op.writes)):
            at.setdefault(name, []).append(index)
    return at


def plan_residency(program: Program, capacity_bytes: int, rooms: Sequence[int]) -> Residency:
    """Grant gaps while `rooms[op]` bytes stay free at every op.

    Parameters
    ----------
    rooms : bytes each op wants for its tiles; never less than its smallest working set.
    """
    at = touches(program)
    used = [0] * len(program.ops)
    gaps = [
        (last - first, program.tensors[name].size_bytes, name, first, last)
        for name, ops in at.items()
        for first, last in pairwise(ops)
    ]
    granted: dict[str, list[tuple[int, int]]] = {}
    for _, size, name, first, last in sorted(gaps):
        held = granted.setdefault(name, [])
        ends = {end for gap in held for end in gap}
        fresh = [op for op in range(first, last + 1) if op not in ends]
        if all(used[op] + size + rooms[op] <= capacity_bytes for op in fresh):
            held.append((first, last))
            for op in fresh:
                used[op] += size
    stays = tuple(
        sorted(
            (stay for name, gaps_of in granted.items() for stay in _merge(name, gaps_of, program)),
            key=lambda stay: (stay.first, stay.tensor),
        )
    )
    return Residency(stays, _places(program, at, stays), tuple(used))


def all_on_chip(program: Program) -> Residency:
    """Everything in the scratchpad from birth to last use; what the step starts with from its first op on, and what
    outlives the step until its last. Nothing is loaded, nothing is stored.
    """
    at, last = touches(program), len(program.ops) - 1
    used, stays = [0] * len(program.ops), []
    for name, ops in at.items():
        tensor = program.tensors[name]
        begins = 0 if tensor.kept or name in program.ops[ops[0]].reads else ops[0]
        stay = Stay(name, tensor.size_bytes, begins, last if tensor.kept else ops[-1])
        stays.append(stay)
        for index in range(stay.first, stay.last + 1):
            used[index] += stay.size_bytes
    here = Place(resident=True, load=False, store=False)
    places = tuple(dict.fromkeys((*op.reads, *op.writes), here) for op in program.ops)
    return Residency(tuple(sorted(stays, key=lambda stay: (stay.first, stay.tensor))), places, tuple(used))


def _merge(name: str, gaps: list[tuple[int, int]], program: Program) -> list[Stay]:
    """Adjoining gaps make one stay."""
    size = program.tensors[name].size_bytes
    stays: list[Stay] = []
    for first, last in sorted(gaps):
        if stays and stays[-1].last == first:
            stays[-1] = Stay(name, size, stays[-1].first, last)
        else:
            stays.append(Stay(name, size, first, last))
    return stays


def _places(program: Program, at: Mapping[str, list[int]], stays: tuple[Stay, ...]) -> tuple[Mapping[str, Place], ...]:
    """Loads at the start of a stay that reads; stores where DRAM will be read later or holds the state."""
    staying: dict[tuple[int, str], Stay] = {}
    for stay in stays:
        for index in range(stay.first, stay.last + 1):
            staying[index, stay.tensor] = stay
    places: list[dict[str, Place]] = []
    for index, op in enumerate(program.ops):
        here: dict[str, Place] = {}
        for name in dict.fromkeys((*op.reads, *op.writes)):
            stay_here = staying.get((index, name))
            reads, writes = name in op.reads, name in op.writes
            if stay_here is None:
                here[name] = Place(resident=False, load=reads, store=writes)
                continue
            outlives = program.tensors[name].kept or at[name][-1] > stay_here.last
            here[name] = Place(resident=True, load=reads and index == stay_here.first, store=writes and outlives)
        places.append(here)
    return tuple(places)
