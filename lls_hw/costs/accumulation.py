"""Gradients of several batches summed before one update: what the micro-steps cost together."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from lls_hw.config import RunSpec
from lls_hw.costs.step import Costs, priced, run_costs
from lls_hw.models.program.ops.base import Tensor
from lls_hw.models.program.program import Program
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.cost.counts import Counts
from lls_hw.sim.event.engine import run_events
from lls_hw.sim.event.result import EventResult, OpResult, StageResult
from lls_hw.sim.mapping.tile import add_to, make_transfer


def accumulated_costs(run: RunSpec, program: Program, micro_steps: int) -> Costs:
    """One update from the gradients of `micro_steps` batches: their costs together.

    All micro-steps but the last run without their updates and keep their gradients: these go to DRAM at
    accumulator width. All but the first read them back and add them: an addition an element, a transfer a
    tensor, charged after the step and not overlapped with it (stage "accumulate"). The last one updates.

    Raises
    ------
    SpecError : as `run_costs`; fewer than one micro-step.
    """
    if micro_steps < 1:
        raise SpecError("--accumulate", micro_steps, "an update needs a batch", "Use 1 or more.")
    whole = run_costs(run, program)
    gradients = [t for name, t in program.tensors.items() if t.role == "gradient"]
    if micro_steps == 1:
        return whole
    tensors = {name: replace(t, kept=t.kept or t.role == "gradient") for name, t in program.tensors.items()}
    kept = replace(program, tensors=tensors)
    micro = replace(kept, ops=tuple(op for op in kept.ops if op.stage != "update"))
    repeats = micro_steps - 1
    part = run_events(micro, run.chip)
    again = {(s.layer, s.stage): s for s in part.stages}
    stages = [_with_repeats(s, again.get((s.layer, s.stage)), repeats) for s in whole.events.stages]
    if gradients:
        stages.append(_accumulate_stage(run, gradients, repeats))
    return priced(run, kept, _joined(whole.events, part, stages, repeats))


def _with_repeats(stage: StageResult, micro: StageResult | None, repeats: int) -> StageResult:
    if micro is None:
        return stage
    return replace(
        stage,
        cycles=stage.cycles + repeats * micro.cycles,
        counts=stage.counts + micro.counts * repeats,
        macs=stage.macs + repeats * micro.macs,
        signal_macs=stage.signal_macs + repeats * micro.signal_macs,
        busy_cycles=_plus(stage.busy_cycles, micro.busy_cycles, repeats),
        stall_cycles=_plus(stage.stall_cycles, micro.stall_cycles, repeats),
        own_stall_cycles=_plus(stage.own_stall_cycles, micro.own_stall_cycles, repeats),
    )


def _accumulate_stage(run: RunSpec, gradients: Sequence[Tensor], repeats: int) -> StageResult:
    """The sums so far come back, tensor by tensor, and are added to the new ones."""
    chip, tally, busy = run.chip, {"vector_adds": 0}, {"dma_read": 0, "dram": 0, "vector": 0}
    for tensor in gradients:
        one = make_transfer(
            chip.dram, tensor.name, tensor.bits, segments=1,
            segment_elements=tensor.elements, span_elements=tensor.elements,
        )  # fmt: skip
        words = -(-one.payload_bytes * 8 // chip.scratchpad.word_bits)
        moved = {"dram_read_bytes": one.bus_bytes, "dram_activates": one.activates, "vector_adds": tensor.elements}
        add_to(tally, {**moved, "scratchpad_write_words": 2 * words, "scratchpad_read_words": 2 * words}, repeats)
        data = one.bus_cycles(chip.dram)
        adds = -(-tensor.elements // chip.vector.lanes)
        add_to(busy, {"dma_read": chip.dram.latency_cycles + data, "dram": data, "vector": adds}, repeats)
    return StageResult(
        layer="gradients", stage="accumulate", cycles=busy["dma_read"] + busy["vector"], counts=Counts(**tally),
        macs=0, signal_macs=0, busy_cycles=busy, stall_cycles={}, own_stall_cycles={}, peak_bytes=0,
    )  # fmt: skip


def _joined(whole: EventResult, micro: EventResult, stages: list[StageResult], repeats: int) -> EventResult:
    return replace(
        whole,
        cycles=sum(stage.cycles for stage in stages),
        stages=tuple(stages),
        ops=_ops(whole, micro, repeats),
        counts=sum((stage.counts for stage in stages), Counts()),
        busy_cycles=_total(stage.busy_cycles for stage in stages),
        stall_cycles=_total(stage.stall_cycles for stage in stages),
        macs=sum(stage.macs for stage in stages),
        signal_macs=sum(stage.signal_macs for stage in stages),
        scratchpad_peak_bytes=max(whole.scratchpad_peak_bytes, micro.scratchpad_peak_bytes),
        tiles=whole.tiles + repeats * micro.tiles,
        simulated_tiles=whole.simulated_tiles + micro.simulated_tiles,
    )


def _ops(whole: EventResult, micro: EventResult, repeats: int) -> tuple[OpResult, ...]:
    """Products of all the micro-steps, op by op."""
    more = iter(micro.ops)
    ops = []
    for op in whole.ops:
        if op.stage != "update":
            twin = next(more)
            macs, signal = op.macs + repeats * twin.macs, op.signal_macs + repeats * twin.signal_macs
            ops.append(replace(op, macs=macs, signal_macs=signal))
        else:
            ops.append(op)
    return tuple(ops)


def _plus(one: Mapping[str, int], other: Mapping[str, int], times: int) -> dict[str, int]:
    total = dict(one)
    add_to(total, other, times)
    return total


def _total(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        add_to(total, part)
    return total
