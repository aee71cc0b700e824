"""The proof of a replay: tensors in DRAM are the functional engine's, bytes that moved those of the event engine."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lls_hw.sim.event.result import EventResult
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.mapping.schedule import Schedule
from lls_hw.sim.mapping.tile import Into, add_to
from lls_hw.sim.replay.region import whole
from lls_hw.sim.replay.replay import Replayed


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """The comparison of one replayed step.

    Attributes
    ----------
    kept, others : tensors that are equal bit for bit: those that outlive the step, in DRAM; and the step's own, in DRAM
        as far as they were stored, and in the scratchpad where they stayed between ops.
    moved : bus bytes of each tensor in each direction.
    peak_bytes, held_bytes : the highest address in use; the most bytes held at a time.
    memory_map : every buffer with its address, and from which op to which it is held.
    differences : what is not equal, in words; none is a proof.
    """

    kept: int
    others: int
    tiles: int
    moved: Mapping[Into, Mapping[str, int]]
    peak_bytes: int
    held_bytes: int
    capacity_bytes: int
    differences: tuple[str, ...]
    memory_map: list[dict[str, int | str]] = field(default_factory=list)

    @classmethod
    def failed(cls, why: str, capacity_bytes: int) -> "Proof":
        """Of a replay that came to no end."""
        return cls(
            kept=0,
            others=0,
            tiles=0,
            moved={"read": {}, "write": {}},
            peak_bytes=0,
            held_bytes=0,
            capacity_bytes=capacity_bytes,
            differences=(why,),
        )

    @property
    def read_bytes(self) -> int:
        """Bus bytes towards the chip."""
        return sum(self.moved["read"].values())

    @property
    def write_bytes(self) -> int:
        """Bus bytes away from the chip."""
        return sum(self.moved["write"].values())

    @property
    def holds(self) -> bool:
        """Whether everything is equal, and the addresses are within the capacity."""
        return not self.differences


def compare(replayed: Replayed, schedule: Schedule, expected: Mapping[str, Value], events: EventResult) -> Proof:
    """Hold a replay against both engines.

    Parameters
    ----------
    expected : the functional engine's tensors after the step.
    events : the event engine's run of the same schedule.
    """
    differences: list[str] = []
    counts = {True: 0, False: 0}
    for name, tensor in schedule.program.tensors.items():
        found = list(_differences(replayed, name, expected[name], kept=tensor.kept)) if name in expected else []
        counts[tensor.kept] += bool(found) and not any(found)
        differences += [one for one in found if one]
    moved = replayed.dram.moved
    into: Into
    for into in ("read", "write"):
        differences += byte_differences(into, moved[into], _counted(events, into))
    layout, capacity = replayed.layout, schedule.chip.scratchpad.capacity_bytes
    if layout.peak_bytes > capacity:
        lost = f"{layout.held_bytes} are held at most"
        differences.append(f"addresses reach {layout.peak_bytes} of {capacity} bytes of scratchpad; {lost}")
    return Proof(
        kept=counts[True],
        others=counts[False],
        tiles=replayed.tiles,
        moved=moved,
        peak_bytes=layout.peak_bytes,
        held_bytes=layout.held_bytes,
        capacity_bytes=capacity,
        differences=tuple(differences),
        memory_map=layout.memory_map(),
    )


def _differences(replayed: Replayed, name: str, expected: Value, *, kept: bool) -> Iterator[str]:
    """A line for each place where a tensor is, empty if it is equal there: DRAM, where a kept one always is and another
    if any of it was stored; and the scratchpad, where it stayed between ops.
    """
    frac = replayed.machine.fracs.get(name, expected.frac)
    if kept or name in replayed.dram.moved["write"]:
        codes, missing = replayed.dram.area(name).read(whole(expected.codes.size))
        yield (
            f"{name}: {missing} of its bytes were never stored"
            if missing
            else difference(name, Value(codes, frac), expected)
        )
    if name in replayed.left:
        yield difference(f"{name} in the scratchpad", Value(replayed.left[name].reshape(-1), frac), expected)


def difference(name: str, own: Value, expected: Value) -> str:
    """The difference between a replayed tensor and the functional engine's; no text if there is none."""
    codes, frac = own.codes, own.frac
    wrong = int(np.count_nonzero(codes != expected.codes.reshape(-1)))
    if wrong:
        first = int(np.flatnonzero(codes != expected.codes.reshape(-1))[0])
        mine, other = int(codes[first]), int(expected.codes.reshape(-1)[first])
        return f"{name}: {wrong} of {codes.size} codes differ; code {first} is {mine}, the functional engine's {other}"
    return f"{name}: scale 2^-{frac}, the functional engine's 2^-{expected.frac}" if frac != expected.frac else ""


def _counted(events: EventResult, into: Into) -> dict[str, int]:
    total: dict[str, int] = {}
    for op in events.ops:
        add_to(total, op.dram_read_bytes if into == "read" else op.dram_write_bytes)
    return total


def byte_differences(into: Into, moved: Mapping[str, int], counted: Mapping[str, int]) -> list[str]:
    """Tensors whose bytes differ, in words."""
    names = sorted({*moved, *counted})
    pairs: list[tuple[str, Any, Any]] = [(name, moved.get(name, 0), counted.get(name, 0)) for name in names]
    return [f"{name}: {a} bytes {into}, the event engine counts {b}" for name, a, b in pairs if a != b]
