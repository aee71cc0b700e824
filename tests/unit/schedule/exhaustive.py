"""Every schedule of a short program, one after the other: no states are joined, none is left out."""

from collections.abc import Callable, Iterator

from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.program import Program
from lls_hw.sim.schedule.group import Group
from lls_hw.sim.schedule.phases import Phase, phases_of

Cost = Callable[[Op], int | None]
Steps = tuple[Op, ...]


def all_schedules(program: Program) -> Iterator[Steps]:
    """Groups and single ops in program order, without the ops for which nothing waits."""
    later = [any(name in op.writes for other in program.ops[at + 1 :] for name in other.reads)
             for at, op in enumerate(program.ops)]  # fmt: skip
    pieces: list[Phase | int] = []
    for index in range(len(program.ops)):
        phases = phases_of(program, index)
        if phases or later[index]:
            pieces += phases or (index,)
    written = {name for op in program.ops for name in op.writes}
    outside = {name for name, tensor in program.tensors.items() if tensor.kept or name not in written}
    return _from(program, pieces, 0, frozenset(outside))


def _from(program: Program, pieces: list[Phase | int], at: int, memory: frozenset[str]) -> Iterator[Steps]:
    if at == len(pieces):
        yield ()
        return
    for op, end, written in _next(program, pieces, at, memory):
        for rest in _from(program, pieces, end, memory | written):
            yield (op, *rest)


def _next(
    program: Program, pieces: list[Phase | int], at: int, memory: frozenset[str]
) -> Iterator[tuple[Op, int, frozenset[str]]]:
    first = pieces[at]
    index = first if isinstance(first, int) else first.index
    op = program.ops[index]
    of_op = [piece for piece in pieces if piece == index or (isinstance(piece, Phase) and piece.index == index)]
    if (isinstance(first, int) or first.part == 0) and memory.issuperset(op.reads):
        yield op, at + len(of_op), frozenset(op.writes)
    for end in range(at + 1, len(pieces) + 1):
        fresh = pieces[at:end]
        if not all(isinstance(piece, Phase) for piece in fresh):
            return
        for group in _groups(program, pieces, at, end, memory):
            yield group, end, frozenset(group.writes)


def _groups(program: Program, pieces: list[Phase | int], at: int, end: int, memory: frozenset[str]) -> Iterator[Group]:
    phases = {pieces.index(piece): piece for piece in pieces if isinstance(piece, Phase)}
    chosen = {place: phases[place] for place in range(at, end)}
    while True:
        made = {phase.out for phase in chosen.values()}
        missing = {read.tensor for phase in chosen.values() for read in phase.maps} - made - memory
        makers = {place: phase for place, phase in phases.items() if place < at and phase.out in missing}
        if not makers:
            break
        chosen.update(makers)
    if missing:
        return
    order = [chosen[place] for place in sorted(chosen)]
    own: set[str] = set()
    for phase in order:
        if not memory.issuperset(phase.held) or not (memory | own).issuperset(phase.per_sample_reads):
            return  # it is needed whole, and a sum is there when the loop is over, a map in it row by row
        own.update(phase.per_sample_writes)
    maps = {phase.out for phase in order if phase.out is not None}
    again = frozenset((phase.index, phase.part) for place, phase in chosen.items() if place < at)
    behind = {name for piece in pieces[end:] for name in _reads(program, piece)}
    free = sorted((maps - memory) & behind)
    for bits in range(1 << len(free)):
        stored = frozenset(name for place, name in enumerate(free) if bits >> place & 1)
        head = order[0].op
        yield Group(
            layer=head.layer, stage=head.stage, batch=program.batch, phases=tuple(order), stored=stored, again=again
        )


def _reads(program: Program, piece: Phase | int) -> tuple[str, ...]:
    if isinstance(piece, int):
        return program.ops[piece].reads
    return (*(read.tensor for read in piece.maps), *piece.held, *piece.per_sample_reads)


def cheapest(program: Program, cost: Cost) -> tuple[int, int]:
    """The least cost of all schedules that fit, and how many there are."""
    known: dict[tuple, int | None] = {}

    def of(op: Op) -> int | None:
        key = (op.phases, op.stored, op.again) if isinstance(op, Group) else (id(op),)
        if key not in known:
            known[key] = cost(op)
        return known[key]

    best, count = None, 0
    for steps in all_schedules(program):
        costs = [of(op) for op in steps]
        if None not in costs:
            count += 1
            total = sum(costs)  # type: ignore[arg-type]
            best = total if best is None else min(best, total)
    assert best is not None, "no schedule fits"
    return best, count
