"""From executed tiles to results: counts by op and stage, and whose cycle each cycle was."""

from collections.abc import Iterable, Mapping, Sequence

from lls_hw.models.program.program import Program
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.cost.counts import Counts
from lls_hw.sim.event.machine import EventMachine
from lls_hw.sim.event.op_run import OpRun
from lls_hw.sim.event.result import EventResult, OpResult, StageResult
from lls_hw.sim.event.sums import Sums, in_program_order, split, whole_part
from lls_hw.sim.mapping.tile import Into, Plan, Transfer, add_to, walk


def sum_tiles(run: OpRun, chip: AcceleratorSpec, number: Mapping[int, int]) -> dict[int, Sums]:
    """Everything that the executed tiles did, by op of the program, checked against the tiles that were due.

    Parameters
    ----------
    number : the place of each op in the program, by identity.
    """
    plan = run.scheduled.plan
    due: dict[int, int] = {}
    for tile, times in walk(plan.body):
        due[id(tile)] = due.get(id(tile), 0) + times
    done = {id(tile): times for tile, times in run.executed.items()}
    assert done == due, f"{run.label}: executed {sum(done.values())} tiles of {sum(due.values())}"
    own = number.get(id(run.scheduled.op), -1)
    found: dict[int, Sums] = {}

    def of(tensor: str) -> Sums:
        return found.setdefault(plan.owners.get(tensor, own), Sums())

    def move(transfer: Transfer, times: int, into: Into) -> None:
        of(transfer.tensor).move(chip, transfer, times, into, run.scheduled.second)

    for tile, times in run.executed.items():
        for part in tile.parts if plan.owners else (whole_part(own, plan.route, tile),):
            found.setdefault(part.index, Sums()).work(part, times)
        for transfer in tile.loads:
            move(transfer, times, "read")
        for transfer in tile.stores:
            move(transfer, times, "write")
    if plan.once:
        add_to(found.setdefault(own, Sums()).tally, plan.once)
    for transfer in plan.fills:
        move(transfer, 1, "read")
    return found


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
    number = {id(op): index for index, op in enumerate(program.ops)}
    held = macro_cycles_within(m.record.occupancy, attributed, chip.scratchpad.macro_bytes)
    parts = [
        _ops(program, run, mine, macros, sum_tiles(run, chip, number))
        for run, mine, macros in zip(runs, attributed, held, strict=True)
    ]
    ops = in_program_order(one for part in parts for one in part)
    peaks: dict[int, int] = {}
    for part, peak in zip(parts, peaks_within(m.record.occupancy, attributed), strict=True):
        peaks.update({one.index: max(peak, peaks.get(one.index, 0)) for one in part})
    return EventResult(
        cycles=cycles,
        ops=ops,
        stages=_stages(program, ops, peaks),
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


def _ops(
    program: Program, run: OpRun, attributed: int, macro_cycles: int, found: Mapping[int, Sums]
) -> tuple[OpResult, ...]:
    """Results of the op, or of each op of a shared loop, to which its time goes by the work that it did there."""
    work = [sums.work_cycles for sums in found.values()]
    times = split(attributed, work)
    states = _split_all({**run.dram, "scratchpad_macro_cycles": macro_cycles}, work)
    for sums, mine in zip(found.values(), states, strict=True):
        add_to(sums.tally, mine)
    add_to(next(iter(found.values())).busy, run.wake_cycles)
    stalls = [_split_all(stalls, work) for stalls in (run.stalls, run.own_stalls)]
    return tuple(
        _op(program, run, index, sums, (times[at], stalls[0][at], stalls[1][at]))
        for at, (index, sums) in enumerate(found.items())
    )


def _split_all(stalls: Mapping[str, int], work: Sequence[int]) -> list[dict[str, int]]:
    parts = {cause: split(cycles, work) for cause, cycles in stalls.items()}
    return [{cause: mine[at] for cause, mine in parts.items()} for at in range(len(work))]


def _codes(plan: Plan, touched: Mapping[str, int], moved: Mapping[str, int]) -> dict[str, int]:
    """Codes over all passes: as the tiles say, and of what tiles share as the plan knows it."""
    return dict(moved or touched) if plan.owners else {**touched, **moved}


def _op(
    program: Program, run: OpRun, index: int, sums: Sums, time: tuple[int, dict[str, int], dict[str, int]]
) -> OpResult:
    op, plan = program.ops[index], run.scheduled.plan
    touched = [
        {name: storage_bytes(count, program.tensors[name].bits) for name, count in codes.items() if name in names}
        for codes, names in ((plan.touched_reads, op.reads), (plan.touched_writes, op.writes))
    ]
    counts, first = Counts(**sums.tally), Counts(**sums.first)
    attributed, stalls, own_stalls = time
    return OpResult(
        index=index,
        layer=op.layer,
        stage=op.stage,
        kind=op.kind,
        unit=plan.route[0],
        start_cycle=run.start_cycle,
        end_cycle=run.end_cycle,
        attributed_cycles=attributed,
        counts=counts,
        macs=first.macs + (first.vector_macs if op.kind == "DepthwiseConv" else 0),
        signal_macs=sums.signal_macs,
        touched_read_bytes=touched[0],
        touched_write_bytes=touched[1],
        read_codes=_codes(plan, plan.touched_reads, sums.read_codes),
        written_codes=_codes(plan, plan.touched_writes, sums.written_codes),
        dram_read_bytes=sums.read,
        dram_write_bytes=sums.written,
        busy_cycles=sums.busy,
        stall_cycles=stalls,
        own_stall_cycles=own_stalls,
        active={unit: span for unit, span in run.active.items() if sums.busy.get(unit)},
        mapping=plan.note,
    )


def _sum(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        add_to(total, part)
    return total


def _stages(program: Program, ops: tuple[OpResult, ...], peaks: Mapping[int, int]) -> tuple[StageResult, ...]:
    groups: dict[tuple[str, str], list[OpResult]] = {key: [] for key in program.stages()}
    for op in ops:
        groups[op.layer, op.stage].append(op)
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


def macro_cycles_within(occupancy: Sequence[tuple[int, int]], lengths: Sequence[int], macro_bytes: int) -> list[int]:
    """Cycles x macros that hold the bytes in use, within each of adjoining intervals of so many cycles.

    Examples
    --------
    >>> macro_cycles_within([(0, 5), (3, 9), (10, 0)], [2, 4, 6], 4)  # 2 macros until 3, 3 until 10
    [4, 11, 12]
    """
    sums, at, macros, now, end = [], 0, 0, 0, 0
    for length in lengths:
        end, total = end + length, 0
        while at < len(occupancy) and occupancy[at][0] < end:
            cycle, used = occupancy[at]
            total += macros * (cycle - now)
            now, macros, at = cycle, -(-used // macro_bytes), at + 1
        sums.append(total + macros * (end - now))
        now = end
    return sums
