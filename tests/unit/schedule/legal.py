"""Is a schedule legal? Told by walking it, with no knowledge of how it was found."""

from collections.abc import Sequence

from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.program import Program
from lls_hw.sim.schedule.drain import DrainedUpdate
from lls_hw.sim.schedule.group import Group
from lls_hw.sim.schedule.phases import Phase, phases_of

Done = set[tuple[int, int]]


def check(program: Program, ops: Sequence[Op]) -> None:
    """Every phase runs for the first time once and in order; nothing is read that is not in memory, or is stale."""
    memory = {name for name, tensor in program.tensors.items() if tensor.kept or tensor.role in ("input", "label")}
    number = {id(op): index for index, op in enumerate(program.ops)}
    done: Done = set()
    for op in ops:
        if isinstance(op, DrainedUpdate):
            product, update = ((*_alone(program, at),) for at in op.at)
            phases = (*product, *update)
        else:
            phases = op.phases if isinstance(op, Group) else _alone(program, number[id(op)])
        again = op.again if isinstance(op, Group) else frozenset()
        missing = set(op.reads) - memory - _made_between(program)
        assert not missing, f"{op.layer} {op.kind} reads {missing}, which nobody stored"
        between: set[str] = set() if isinstance(op, Group) else {name for phase in phases for name in phase.results}
        _walk(program, phases, again, done, set(op.reads) | between)
        memory.update(op.writes)
    due = {(p[0], p[1]) for index in range(len(program.ops)) for p in _keys(program, index)}
    assert done == due, f"not run: {due - done}; unknown: {done - due}"


def _walk(
    program: Program, phases: Sequence[Phase], again: frozenset[tuple[int, int]], done: Done, loaded: set[str]
) -> None:
    tile = set(loaded)
    for phase in phases:
        key = phase.index, phase.part
        assert (key in done) == (key in again), f"{phase.name}: again {key in again}, done {key in done}"
        for name in (*(read.tensor for read in phase.maps), *phase.per_sample_reads, *phase.held):
            assert name in tile, f"{phase.name} finds no {name} in its tile"
            _is_fresh(program, phase.index, name, done)
        tile.update((*phase.per_sample_writes, *((phase.out,) if phase.out is not None else ())))
    done.update((phase.index, phase.part) for phase in phases)


def _is_fresh(program: Program, index: int, name: str, done: Done) -> None:
    """No later op of the program has written the tensor yet, and its writer before this op has."""
    writers = [at for at, op in enumerate(program.ops) if name in op.writes]
    late = [at for at in writers if at > index and any(key[0] == at for key in done)]
    assert not late, f"op {index} reads {name} after op {late[0]} has changed it"


def _alone(program: Program, index: int) -> tuple[Phase, ...]:
    op = program.ops[index]
    whole = Phase(index, op, 0, 1, (), held=op.reads)
    return phases_of(program, index) or (whole,)


def _keys(program: Program, index: int) -> list[tuple[int, int]]:
    return [(phase.index, phase.part) for phase in _alone(program, index)]


def _made_between(program: Program) -> set[str]:
    """Coefficients that only the phases of one op hand to one another."""
    return {name for index in range(len(program.ops)) for p in phases_of(program, index) for name in p.results} - set(
        program.tensors
    )
