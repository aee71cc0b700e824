"""The events of an update from several batches: those of its micro-steps, one after the other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lls_hw.sim.cost.counts import Counts
from lls_hw.sim.event.result import EventResult, OpResult, StageResult
from lls_hw.sim.mapping.tile import add_to


def joined(parts: Sequence[tuple[EventResult, int]]) -> EventResult:
    """Sums over micro-steps that run so many times each.

    Each micro-step begins with an empty scratchpad, as every step does, so those of one program cost the same. Ops,
    occupancy and timeline are the last one's, at the end of all cycles.
    """
    last = parts[-1][0]
    if len(parts) == 1 and parts[0][1] == 1:
        return last
    cycles = sum(found.cycles * times for found, times in parts)
    stages = _stages(parts)
    began, fullest = cycles - last.cycles, max((found for found, _ in parts), key=lambda one: one.scratchpad_peak_bytes)
    return replace(
        last,
        cycles=cycles,
        ops=tuple(_later(op, began) for op in last.ops),
        stages=stages,
        counts=sum((stage.counts for stage in stages), Counts()),
        busy_cycles=_total((found.busy_cycles, times) for found, times in parts),
        stall_cycles=_total((found.stall_cycles, times) for found, times in parts),
        macs=sum(found.macs * times for found, times in parts),
        signal_macs=sum(found.signal_macs * times for found, times in parts),
        occupancy=tuple((cycle + began, used) for cycle, used in last.occupancy),
        spans=tuple((unit, name, begin + began, end + began) for unit, name, begin, end in last.spans),
        tiles=sum(found.tiles * times for found, times in parts),
        simulated_tiles=sum(found.simulated_tiles for found, _ in parts),
        scratchpad_peak_bytes=fullest.scratchpad_peak_bytes,
        peak_tensors=fullest.peak_tensors,
    )


def _stages(parts: Sequence[tuple[EventResult, int]]) -> tuple[StageResult, ...]:
    """Sums by layer and stage, in the last micro-step's order: it has every one of them."""
    found: dict[tuple[str, str], list[tuple[StageResult, int]]] = {}
    for events, times in (parts[-1], *parts[:-1]):
        for stage in events.stages:
            found.setdefault((stage.layer, stage.stage), []).append((stage, times))
    return tuple(_stage(same) for same in found.values())


def _stage(same: Sequence[tuple[StageResult, int]]) -> StageResult:
    return replace(
        same[0][0],
        cycles=sum(stage.cycles * times for stage, times in same),
        counts=sum((stage.counts * times for stage, times in same), Counts()),
        macs=sum(stage.macs * times for stage, times in same),
        signal_macs=sum(stage.signal_macs * times for stage, times in same),
        busy_cycles=_total((stage.busy_cycles, times) for stage, times in same),
        stall_cycles=_total((stage.stall_cycles, times) for stage, times in same),
        own_stall_cycles=_total((stage.own_stall_cycles, times) for stage, times in same),
        peak_bytes=max(stage.peak_bytes for stage, _ in same),
    )


def _later(op: OpResult, cycles: int) -> OpResult:
    active = {unit: (begin + cycles, end + cycles) for unit, (begin, end) in op.active.items()}
    return replace(op, start_cycle=op.start_cycle + cycles, end_cycle=op.end_cycle + cycles, active=active)


def _total(parts: Iterable[tuple[Mapping[str, int], int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part, times in parts:
        add_to(total, part, times)
    return total
