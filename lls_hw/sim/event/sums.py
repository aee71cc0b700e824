"""Sums of one op over its tiles, also where several ops share them, or one op takes part in several loops."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.event.result import OpResult
from lls_hw.sim.mapping.second_level import SECOND_LATENCY_CYCLES
from lls_hw.sim.mapping.tile import Into, Tile, TilePart, Transfer, Unit, add_to


@dataclass(slots=True)
class Sums:
    """Totals of one op while its tiles are added up; `first` leaves out the work that was done before."""

    tally: dict[str, int] = field(default_factory=dict)
    first: dict[str, int] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    busy: dict[str, int] = field(default_factory=dict)
    read_codes: dict[str, int] = field(default_factory=dict)
    written_codes: dict[str, int] = field(default_factory=dict)
    work_cycles: int = 0
    signal_macs: int = 0

    def work(self, part: TilePart, times: int) -> None:
        """The op's part of a tile."""
        add_to(self.tally, part.tally, times)
        add_to(self.busy, part.busy_cycles, times)
        self.work_cycles += times * sum(part.busy_cycles.values())
        if not part.again:
            add_to(self.read_codes, part.read_codes, times)
            add_to(self.written_codes, part.written_codes, times)
            add_to(self.first, part.tally, times)
            self.signal_macs += part.signal_macs * times

    def move(
        self, chip: AcceleratorSpec, transfer: Transfer, times: int, into: Into, second: frozenset[str] = frozenset()
    ) -> None:
        """A transfer's events and time: at the second level for the tensors that live there, else at the DRAM."""
        (self._move_second if transfer.tensor in second else self._move_dram)(chip, transfer, times, into)

    def _move_second(self, chip: AcceleratorSpec, transfer: Transfer, times: int, into: Into) -> None:
        """A transfer's events at the second level, and the time of its queue and of the banks."""
        assert chip.second is not None, f"{transfer} has no second level to go to"
        events = transfer.second_counts(chip.scratchpad.word_bits, chip.second.word_bits, into)
        add_to(self.tally, events, times)
        data = transfer.second_cycles(chip.second)
        add_to(self.busy, {f"dma_{into}": SECOND_LATENCY_CYCLES + data, "second": data}, times)

    def _move_dram(self, chip: AcceleratorSpec, transfer: Transfer, times: int, into: Into) -> None:
        """A transfer's events, and the time of its queue and of the bus."""
        add_to(self.tally, transfer.counts(chip.scratchpad.word_bits, into), times)
        add_to(self.read if into == "read" else self.written, {transfer.tensor: transfer.bus_bytes}, times)
        latency, data = chip.dram.latency_cycles, transfer.bus_cycles(chip.dram)
        busy = {f"dma_{into}": latency + data, "dram": data}
        add_to(self.busy, busy, times)


def whole_part(index: int, route: Sequence[Unit], tile: Tile) -> TilePart:
    """A tile that is one op's alone."""
    busy: dict[str, int] = {}
    for unit, cycles in zip(route, tile.cycles, strict=False):
        add_to(busy, {unit: cycles})
    return TilePart(index, tile.tally, busy, tile.signal_macs, False, tile.read_codes, tile.written_codes)


def split(total: int, weights: Sequence[int]) -> list[int]:
    """A whole number in parts that are proportional to the weights and add up to it; the largest remainders round up.

    Examples
    --------
    >>> split(10, [1, 1, 1]), split(5, [0, 0])
    ([4, 3, 3], [5, 0])
    """
    if not sum(weights):
        return [total, *[0] * (len(weights) - 1)]
    exact = [divmod(total * weight, sum(weights)) for weight in weights]
    parts = [whole for whole, _ in exact]
    order = sorted(range(len(weights)), key=lambda at: -exact[at][1])
    for at in order[: total - sum(parts)]:
        parts[at] += 1
    return parts


def in_program_order(parts: Iterable[OpResult]) -> tuple[OpResult, ...]:
    """A result for each op of the program; an op that took part in several loops has those of all."""
    found: dict[int, list[OpResult]] = {}
    for part in parts:
        found.setdefault(part.index, []).append(part)
    return tuple(_joined(found[index]) for index in sorted(found))


def _joined(results: Sequence[OpResult]) -> OpResult:
    first, *others = results
    for other in others:
        first = replace(
            first,
            start_cycle=min(first.start_cycle, other.start_cycle),
            end_cycle=max(first.end_cycle, other.end_cycle),
            attributed_cycles=first.attributed_cycles + other.attributed_cycles,
            counts=first.counts + other.counts,
            macs=first.macs + other.macs,
            signal_macs=first.signal_macs + other.signal_macs,
            touched_read_bytes={**first.touched_read_bytes, **other.touched_read_bytes},
            touched_write_bytes={**first.touched_write_bytes, **other.touched_write_bytes},
            active=_spans(first.active, other.active),
            mapping=f"{first.mapping}; {other.mapping}",
            read_codes=_plus(first.read_codes, other.read_codes),
            written_codes=_plus(first.written_codes, other.written_codes),
            dram_read_bytes=_plus(first.dram_read_bytes, other.dram_read_bytes),
            dram_write_bytes=_plus(first.dram_write_bytes, other.dram_write_bytes),
            busy_cycles=_plus(first.busy_cycles, other.busy_cycles),
            stall_cycles=_plus(first.stall_cycles, other.stall_cycles),
            own_stall_cycles=_plus(first.own_stall_cycles, other.own_stall_cycles),
        )
    return first


def _plus(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    total = dict(one)
    add_to(total, other)
    return total


def _spans(one: Mapping[str, tuple[int, int]], other: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """From the first cycle of either to the last of either, unit by unit."""
    both = dict(one)
    for unit, (begun, ended) in other.items():
        mine = both.get(unit, (begun, ended))
        both[unit] = (min(mine[0], begun), max(mine[1], ended))
    return both
