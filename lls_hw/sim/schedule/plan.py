"""A schedule: which groups run a program, in which order, and what each of them is for the planner and the engine."""

from collections.abc import Sequence
from dataclasses import replace

from lls_hw.models.program.ops.base import Op, Tensor
from lls_hw.models.program.ops.normalise import BatchNormBackward
from lls_hw.models.program.program import Program
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.mapping.context import Context, Place
from lls_hw.sim.mapping.nest_ops import Chooser, fewest_bytes
from lls_hw.sim.mapping.schedule import OP_BY_OP, Planner, Schedule, schedule_program
from lls_hw.sim.mapping.tile import Plan
from lls_hw.sim.schedule import drain
from lls_hw.sim.schedule.drain import DrainedUpdate
from lls_hw.sim.schedule.group import Group
from lls_hw.sim.schedule.phases import coefficients_of
from lls_hw.sim.schedule.tiles import GroupPlanner

COEFFICIENT_BITS = 64


def grouped_program(program: Program, ops: Sequence[Op]) -> Program:
    """The program as groups and single ops, with the tensors that live between the phases of one op."""
    tensors = dict(program.tensors)
    for op in program.ops:
        if isinstance(op, BatchNormBackward):
            name = coefficients_of(op)
            tensors[name] = Tensor(name=name, shape=(2, op.shape.out_c), bits=COEFFICIENT_BITS, role="statistic")
    return replace(program, ops=tuple(ops), tensors=tensors)


class GroupPlans:
    """Schedules of one order of groups and single ops, with one mapping of the single ops or another.

    A group that finds the same room and the same tensors in it is planned once.
    """

    def __init__(self, program: Program, ops: Sequence[Op], chip: AcceleratorSpec) -> None:
        self.program, self.grouped, self.chip = program, grouped_program(program, ops), chip
        self.known: dict[tuple[int, int, tuple[tuple[str, Place], ...]], Plan] = {}

    def schedule(self, choose: Chooser = fewest_bytes) -> Schedule:
        """Map groups and single ops onto the chip, as `schedule_program` maps the ops of a program.

        Raises
        ------
        SpecError : as `schedule_program`.
        """
        schedule = schedule_program(self.grouped, self.chip, choose, Planner(_least_bytes, self._plan))
        return replace(schedule, program=replace(schedule.program, ops=self.program.ops))

    def _plan(self, ctx: Context, op: Op, choose: Chooser) -> Plan:
        if isinstance(op, DrainedUpdate):
            return drain.plan(ctx, op)
        if not isinstance(op, Group):
            return OP_BY_OP.plan(ctx, op, choose)
        key = id(op), ctx.budget_bytes, tuple(ctx.places.items())
        if key not in self.known:
            self.known[key] = GroupPlanner(ctx, op).plan()
        return self.known[key]


def _least_bytes(ctx: Context, op: Op) -> int:
    if isinstance(op, DrainedUpdate):
        return drain.least_bytes(ctx, op)
    return GroupPlanner(ctx, op).memory.least_bytes() if isinstance(op, Group) else OP_BY_OP.least_bytes(ctx, op)
