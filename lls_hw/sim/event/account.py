"""From executed tiles to results: counts by op and stage, and whose cycle each cycle was."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lls_hw.models.program.program import Program
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.cost.counts import Counts
from lls_hw.sim.event.machine import EventMachine, OpRun
from lls_hw.sim.event.result import EventResult, OpResult, StageResult
from lls_hw.sim.mapping.tile import Into, Transfer, add_to, walk


@dataclass(slots=True)
class Sums:
    """Totals of one op while its tiles are added up."""

    tally: dict[str, int] = field(default_factory=dict)
    read: dict[str, int] = field(default_factory=dict)
    written: dict[str, int] = field(default_factory=dict)
    busy: dict[str, int] = field(default_factory=dict)
    read_codes: dict[str, int] = field(default_factory=dict)
    written_codes: dict[str, int] = field(default_factory=dict)
    signal_macs: int = 0

    def move(self, chip: AcceleratorSpec, transfer: Transfer, times: int, into: Into) -> None:
        """A transfer's events, and the time of its queue and of the bus."""
        add_to(self.tally, transfer.counts(chip.scratchpad.word_bits, into), times)
        add_to(self.read if into == "read" else self.written, {transfer.tensor: transfer.bus_bytes}, times)
        latency, data = chip.dram.latency_cycles, transfer.bus_cycles(chip.dram)
        busy = {f"dma_{into}": latency + data, "dram": data}
        add_to(self.busy, busy, times)


def sum_tiles(run: OpRun, chip: AcceleratorSpec) -> Sums:
    """Everything the op's executed tiles did, checked against the tiles it had to execute."""
    plan, sums = run.scheduled.plan, Sums()
    due: dict[int, int] = {}
    for tile, times in walk(plan.body):
        due[id(tile)] = due.get(id(tile), 0) + times
    done = {id(tile): times for tile, times in run.executed.items()}
    assert done == due, f"{run.label}: executed {sum(done.values())} tiles of {sum(due.values())}"
    for tile, times in run.executed.items():
        add_to(sums.tally, tile.tally, times)
        sums.signal_macs += tile.signal_macs * times
        add_to(sums.read_codes, tile.read_codes, times)
        add_to(sums.written_codes, tile.written_codes, times)
        add_to(sums.busy, dict(zip(plan.route, tile.cycles, strict=False)), times)
        for transfer in tile.loads:
            sums.move(chip, transfer, times, "read")
        for transfer in tile.stores:
            sums.move(chip, transfer, times, "write")
    for transfer in plan.fills:
        sums.move(chip, transfer, 1, "read")
    return sums


def shares(ends: Iterable[int]) -> list[int]:
    """Cycles in which each item, in order, is the first that has not ended."""
    out, latest = [], 0
    for end in ends:
        out.append(max(0, end - latest))
        latest = max(latest, end)
    return out


def results(program: Program, chip: AcceleratorSpec, m: EventMachine, runs: Sequence[OpRun], tiles: int) -> EventResult:
    """The whole run."""
    cycles = m.now
    attributed = shares(run.end_cycle for run in runs)
    ops = tuple(_op(program, chip, run, mine) for run, mine in zip(runs, attributed, strict=True))
    return EventResult(
        cycles=cycles,
        ops=ops,
        stages=_stages(program, ops, m.record.occupancy),
        counts=sum((op.counts for op in ops), Counts()),
        busy_cycles=_sum(op.busy_cycles for op in ops),
        stall_cycles=_sum(op.stall_cycles for op in ops),
        macs=sum(op.macs for op in ops),
        signal_macs=sum(op.signal_macs for op in ops),
        scratchpad_peak_bytes=m.record.peak_bytes,
        peak_tensors=dict(sorted(m.record.peak_holders.items(), key=lambda held: -held[1])),
        occupancy=tuple(m.record.occupancy),
        spans=tuple(sorted(m.record.spans, key=lambda span: (span[2], span[3]))),
        simulated_tiles=tiles,
        tiles=sum(sum(run.executed.values()) for run in runs),
        array_pes=chip.array.rows * chip.array.cols,
        dram_bytes_per_cycle=chip.dram.bytes_per_cycle,
    )


def _op(program: Program, chip: AcceleratorSpec, run: OpRun, attributed: int) -> OpResult:
    op, plan = run.scheduled.op, run.scheduled.plan
    sums = sum_tiles(run, chip)
    counts = Counts(**sums.tally)

    def packed(codes: Mapping[str, int]) -> dict[str, int]:
        return {name: storage_bytes(count, program.tensors[name].bits) for name, count in codes.items()}

    return OpResult(
        index=run.scheduled.index,
        layer=op.layer,
        stage=op.stage,
        kind=op.kind,
        unit=plan.route[0],
        start_cycle=run.start_cycle,
        end_cycle=run.end_cycle,
        attributed_cycles=attributed,
        counts=counts,
        macs=counts.macs + (counts.vector_macs if op.kind == "DepthwiseConv" else 0),
        signal_macs=sums.signal_macs,
        touched_read_bytes=packed(plan.touched_reads),
        touched_write_bytes=packed(plan.touched_writes),
        read_codes=sums.read_codes or dict(plan.touched_reads),
        written_codes=sums.written_codes or dict(plan.touched_writes),
        dram_read_bytes=sums.read,
        dram_write_bytes=sums.written,
        busy_cycles=sums.busy,
        stall_cycles=dict(run.stalls),
        own_stall_cycles=dict(run.own_stalls),
        active=dict(run.active),
        mapping=plan.note,
    )


def _sum(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        add_to(total, part)
    return total


def _stages(
    program: Program, ops: tuple[OpResult, ...], occupancy: Sequence[tuple[int, int]]
) -> tuple[StageResult, ...]:
    groups: dict[tuple[str, str], list[OpResult]] = {key: [] for key in program.stages()}
    for op in ops:
        groups[op.layer, op.stage].append(op)
    peaks = peaks_within(occupancy, [op.attributed_cycles for op in ops])
    return tuple(
        StageResult(
            layer=layer,
            stage=stage,
            cycles=sum(op.attributed_cycles for op in group),
            counts=sum((op.counts for op in group), Counts()),
            macs=sum(op.macs for op in group),
            signal_macs=sum(op.signal_macs for op in group),
            busy_cycles=_sum(op.busy_cycles for op in group),
            stall_cycles=_sum(op.stall_cycles for op in group),
            own_stall_cycles=_sum(op.own_stall_cycles for op in group),
            peak_bytes=max(peaks[op.index] for op in group),
        )
        for (layer, stage), group in groups.items()
    )


def peaks_within(occupancy: Sequence[tuple[int, int]], lengths: Sequence[int]) -> list[int]:
    """Most bytes in use within each of adjoining intervals of so many cycles.

    Examples
    --------
    >>> peaks_within([(0, 5), (3, 9), (10, 0)], [2, 4, 6])
    [5, 9, 9]
    """
    peaks, at, used, end = [], 0, 0, 0
    for length in lengths:
        end, peak = end + length, used if length else 0
        while at < len(occupancy) and occupancy[at][0] < end:
            used = occupancy[at][1]
            peak = max(peak, used)
            at += 1
        peaks.append(peak)
    return peaks
