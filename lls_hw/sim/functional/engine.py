"""The functional engine: runs a program on integers and says what it did."""

from collections.abc import Callable

import numpy as np

from lls_hw.models.program.names import IMAGES, LABELS
from lls_hw.models.program.ops.normalise import BatchNorm
from lls_hw.models.program.program import Program
from lls_hw.models.rules.registry import find_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.functional import accumulate, frozen, group_norm, local, loss, normalise, pooling, products, update
from lls_hw.sim.functional.machine import IntegerMachine, OpRecord, Runners
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels.codes import Ints
from lls_hw.sim.kernels.requant import container

RUNNERS: Runners = {
    **products.RUNNERS,
    **normalise.RUNNERS,
    **frozen.RUNNERS,
    **group_norm.RUNNERS,
    **pooling.RUNNERS,
    **local.RUNNERS,
    **loss.RUNNERS,
    **accumulate.RUNNERS,
    **update.RUNNERS,
}
OPTIMIZERS = ("sgd", "momentum", "adam")
"""Optimisers with an integer update."""


def why_not_integers(program: Program) -> tuple[str, str, str] | None:
    """The obstacle to running a program in integers: (where, found, need); None without one."""
    rule, optimizer = program.rule, program.optimizer
    record = find_rule(rule.name)
    missing = [op.kind for op in program.ops if type(op) not in RUNNERS]
    if missing:
        return "--rule", rule.name, f"its op {missing[0]} has no integer form yet"
    if record.learns and optimizer.name not in OPTIMIZERS:
        return "--optimizer", optimizer.name, f"in integers the optimisers are {', '.join(OPTIMIZERS)}"
    return None


def refuse_numerics(program: Program) -> None:
    """Refuse, before any work, a step the integers cannot take.

    Raises
    ------
    SpecError : an op of the rule or the optimiser has no integer form, or a
        BatchNorm in training mode would see one value per channel (one position and a batch of one).
    """
    refusal = why_not_integers(program)
    if refusal is not None:
        raise SpecError(*refusal, "Choose another, or add --no-numerics for costs alone.")
    for op in program.ops:
        if isinstance(op, BatchNorm) and op.trains and op.batch * op.shape.positions < 2:
            raise SpecError(
                "--batch",
                program.batch,
                f"the BatchNorm of layer '{op.layer}' would see a single value per channel",
                "Use a batch of 2 or more, or --no-numerics for costs alone.",
            )


class FunctionalEngine:
    """One program on one chip, step after step.

    Parameters
    ----------
    program : a training step, or inference with running statistics; every op of it has a runner.
    values : initial kept tensors (see `state.initial_values`).
    chip : its array decides the order of additions, its local unit the basis.
    seed : of the stochastic rounding.

    Raises
    ------
    SpecError : a BatchNorm would see a single value, or an op has no integer form yet.
    """

    def __init__(self, program: Program, values: dict[str, Value], chip: AcceleratorSpec, *, seed: int = 0) -> None:
        for part, _ in program.micro_steps:
            refuse_numerics(part)
        self.program = program
        self.machine = IntegerMachine(program, dict(values), chip=chip, seed=seed)

    def step(self, images: Value, labels: Ints, observe: Callable[[OpRecord], None] | None = None) -> list[OpRecord]:
        """One training step, or one micro-step of an update from several batches, or one forward pass.

        Parameters
        ----------
        images : codes (batch, height, width, channels) of `activation_bits`, and their scale.
        labels : (batch,) class numbers.
        observe : called with each op's record as soon as the op has run.
        """
        m = self.machine
        m.program = self.program.at(m.step)
        m.records = []
        bits = m.program.precision.activation_bits
        m.values[IMAGES] = Value(images.codes.astype(container(bits)), images.frac)
        m.values[LABELS] = Value(np.asarray(labels).astype(np.int16), 0)
        for index, op in enumerate(m.program.ops):
            m.begin(index, op)
            RUNNERS[type(op)](m, op)
            if observe is not None:
                observe(m.record)
        m.step += 1
        return m.records
