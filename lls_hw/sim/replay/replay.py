"""A schedule carried out, op by op and tile by tile, on the codes of one training step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lls_hw.models.program.names import IMAGES, LABELS, tensor_name
from lls_hw.models.program.ops.local import LocalBackproject, LocalProject
from lls_hw.models.program.ops.normalise import BatchNormBackward, FrozenNormBackward
from lls_hw.models.program.program import Program
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.memory import NO_DRAM
from lls_hw.sim.functional.machine import IntegerMachine
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels.codes import Ints
from lls_hw.sim.mapping.choice import Choice
from lls_hw.sim.mapping.context import WIDE_BITS, Context, partial_of, sums_of
from lls_hw.sim.mapping.nest_ops import NESTS, nest_of
from lls_hw.sim.mapping.recipes.local import SIGN_BITS
from lls_hw.sim.mapping.residency import Stay
from lls_hw.sim.mapping.schedule import Schedule, ScheduledOp
from lls_hw.sim.replay.allocate import Layout, PadBlock, lay_out
from lls_hw.sim.replay.bench import Bench, OpReplay
from lls_hw.sim.replay.drain import DrainReplay
from lls_hw.sim.replay.dram import Dram
from lls_hw.sim.replay.errors import ReplayError
from lls_hw.sim.replay.group import GroupReplay
from lls_hw.sim.replay.machine import TileMachine
from lls_hw.sim.replay.nest import NestReplay
from lls_hw.sim.replay.norm_units import WORD_BITS
from lls_hw.sim.replay.places import part_of, tile_places
from lls_hw.sim.replay.region import whole
from lls_hw.sim.replay.rooms import rooms_of
from lls_hw.sim.replay.scratchpad import Scratchpad
from lls_hw.sim.replay.signs import signs_of
from lls_hw.sim.replay.stream import StreamReplay
from lls_hw.sim.schedule.drain import DrainedUpdate, inside
from lls_hw.sim.schedule.group import Group
from lls_hw.sim.schedule.tiles import GroupPlanner


@dataclass(frozen=True, slots=True)
class Replayed:
    """The state that a replay leaves.

    Attributes
    ----------
    layout : addresses of all buffers.
    tiles : tiles carried out.
    left : the step's own tensors that stayed in the scratchpad between ops, as they stood when they left it.
    """

    dram: Dram
    machine: TileMachine
    layout: Layout
    tiles: int
    left: Mapping[str, Ints]


def refuse_replay(program: Program, chip: AcceleratorSpec) -> None:
    """Refuse what cannot be replayed.

    Raises
    ------
    SpecError : steps of several batches, scales that are measured first, a chip without DRAM or with a second level.
    """
    if program.accumulate > 1 or program.before:
        raise SpecError("--accumulate", program.accumulate, "a replay is of one batch", "Use 1.")
    if program.precision.scaling == "two_pass":
        raise SpecError("scaling", "two_pass", "sums that wait for their scale cannot be replayed", "Use delayed.")
    if chip.dram.device == NO_DRAM:
        raise SpecError("--dram", NO_DRAM, "a replay is of what moves between DRAM and scratchpad", "Choose a DRAM.")
    if chip.second is not None:
        raise SpecError("--chip", chip.name, "a second level is not replayed", "Remove it from the chip's memory list.")


def blocks_of(schedule: Schedule) -> list[PadBlock]:
    """Everything that is in the scratchpad, and when, in ops of the schedule."""
    stays = {stay: None for scheduled in schedule.ops for stay in scheduled.uses}
    found = [PadBlock(-1, stay.tensor, stay.first, stay.size_bytes, stay.first, stay.last) for stay in stays]
    for at, scheduled in enumerate(schedule.ops):
        plan = scheduled.plan
        if isinstance(scheduled.op, Group):
            ctx = Context(schedule.program, schedule.chip, schedule.residency.places[scheduled.index], 0)
            memory = GroupPlanner(ctx, scheduled.op).memory
            sizes = rooms_of(memory, plan).sizes(memory)
            found += [
                PadBlock(at, name, k, size, at, at) for name, slots in sizes.items() for k, size in enumerate(slots)
            ]
            continue
        found.append(PadBlock(at, "held", 0, plan.held_bytes, at, at))
        found += [
            PadBlock(at, buffer.name, slot, buffer.slot_bytes, at, at)
            for buffer in (*plan.buffers, plan.out)
            for slot in range(buffer.depth)
        ]
    return [block for block in found if block.size_bytes]


@dataclass(frozen=True, slots=True)
class StepStart:
    """The beginning of a step: the functional engine's machine, with the scales of the last step, and the batch."""

    machine: IntegerMachine
    images: Value
    labels: Ints


def replay_schedule(
    schedule: Schedule, start: StepStart, layout: Layout | None = None, say: Callable[[str], None] = lambda _: None
) -> Replayed:
    """Carry a schedule out on the codes of one step.

    Parameters
    ----------
    layout : addresses of the buffers; else those that the allocator finds.

    Raises
    ------
    SpecError : the schedule is of a kind that is not replayed (`refuse_replay`).
    ReplayError : something is read that was not loaded, or moves otherwise than costed.
    """
    refuse_replay(schedule.program, schedule.chip)
    capacity = schedule.chip.scratchpad.capacity_bytes
    if layout is None:
        layout = lay_out(blocks_of(schedule), capacity)
    program = schedule.program
    pad = Scratchpad(max(layout.peak_bytes, capacity))
    dram = Dram(schedule.chip.dram, program.tensors, _extra(schedule))
    machine = TileMachine(program, schedule.chip, start.machine, pad, program.tensors)
    values = {name: start.machine.values[name] for name, tensor in program.tensors.items() if tensor.kept}
    values[IMAGES], values[LABELS] = start.images, Value(np.asarray(start.labels).astype(np.int16), 0)
    for name, value in values.items():
        if name in program.tensors:
            dram.fill(name, value.codes)
            machine.know(name, value)
    _fill_bases(schedule, dram, machine)
    bench = Bench(schedule, pad, dram, machine, _addresses(layout))
    stays = {(block.name, block.first): at for block, at in _pairs(layout) if block.owner < 0}
    tiles = 0
    for at, scheduled in enumerate(schedule.ops):
        say(f"op {at + 1} of {len(schedule.ops)}")
        tiles += _carry_out(bench, scheduled, stays)
    return Replayed(dram, machine, layout, tiles, bench.left)


def _carry_out(bench: Bench, scheduled: ScheduledOp, stays: Mapping[tuple[str, int], int]) -> int:
    op = scheduled.op
    try:
        for stay in scheduled.arrives:
            _arrive(bench, stay, stays)
        replayed = replay_of(bench, scheduled)
        replayed.run()
        replayed.leave()
    except ReplayError as error:
        raise ReplayError(
            error.need,
            op=f"{op.layer} {op.stage} ({op.kind})",
            tile=bench.tile,
            tensor=error.tensor,
            region=error.region,
        ) from error
    bench.machine.settle()
    for stay in scheduled.uses:
        if stay.last == scheduled.index:
            _leave(bench, stay.tensor)
    return replayed.done


def _leave(bench: Bench, name: str) -> None:
    """A tensor is no longer in the scratchpad; one of the step's own is kept aside, to be compared."""
    area = bench.stays.pop(name)
    codes, missing = area.read(area.region)
    if not missing and not bench.schedule.program.tensors[name].kept:
        bench.left[name] = codes
    bench.pad.close(area)


def _arrive(bench: Bench, stay: Stay, stays: Mapping[tuple[str, int], int]) -> None:
    tensor = bench.schedule.program.tensors[stay.tensor]
    address = stays[stay.tensor, stay.first]
    bench.stays[stay.tensor] = bench.pad.open(stay.tensor, address, whole(*tensor.shape), tensor.bits, write=True)


def replay_of(bench: Bench, scheduled: ScheduledOp) -> OpReplay:
    """The way in which an op, or a group of ops, is carried out."""
    if isinstance(scheduled.op, Group):
        return GroupReplay(bench, scheduled)
    if isinstance(scheduled.op, DrainedUpdate):
        return DrainReplay(bench, scheduled)
    if type(scheduled.op) in NESTS:
        return NestReplay(bench, scheduled)
    return StreamReplay(bench, scheduled)


def _pairs(layout: Layout) -> list[tuple[PadBlock, int]]:
    return list(zip(layout.blocks, layout.addresses, strict=True))


def _addresses(layout: Layout) -> dict[tuple[int, str], Sequence[int]]:
    """Of every buffer of every op, its slots' addresses in order."""
    found: dict[tuple[int, str], list[tuple[int, int]]] = {}
    for block, address in _pairs(layout):
        if block.owner >= 0:
            found.setdefault((block.owner, block.name), []).append((block.slot, address))
    return {key: [address for _, address in sorted(slots)] for key, slots in found.items()}


def _extra(schedule: Schedule) -> dict[str, tuple[int, int]]:
    """(codes, bits) of what moves but is no tensor of the program: partial sums, a basis in DRAM."""
    found: dict[str, tuple[int, int]] = {}
    for scheduled in schedule.ops:
        op, choice = scheduled.op, scheduled.plan.form
        if isinstance(choice, Choice):
            ctx = Context(schedule.program, schedule.chip, schedule.residency.places[scheduled.index], 0)
            if isinstance(op, DrainedUpdate):
                ctx, op = inside(ctx, op), op.product
            nest = nest_of(ctx, op)
            if choice.repeats(nest, nest.result):
                parts = {
                    tuple(at.number["rio".index(dim)] for dim in nest.relevant(nest.result.side)): part_of(
                        nest, nest.result, at
                    ).elements
                    for at in tile_places(choice, nest)
                }
                found[partial_of(op.result)] = sum(parts.values()), nest.sum_bits
    for op in schedule.program.ops:
        if isinstance(op, BatchNormBackward):
            found[sums_of(op.out)] = 2 * op.shape.out_c, WORD_BITS
        if isinstance(op, FrozenNormBackward):
            found[sums_of(op.out)] = op.shape.out_c, WIDE_BITS
        if isinstance(op, LocalProject | LocalBackproject) and op.projection is None:
            found[tensor_name(op.layer, "basis")] = op.rows * op.latents, SIGN_BITS
    return found


def _fill_bases(schedule: Schedule, dram: Dram, machine: TileMachine) -> None:
    for op in schedule.program.ops:
        if isinstance(op, LocalProject) and op.projection is None and schedule.chip.local.basis == "dram":
            dram.fill(tensor_name(op.layer, "basis"), signs_of(op.rows, op.latents, machine.phase_bits))
