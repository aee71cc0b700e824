"""Counts of the local loss: how often its kernels did what the tables beside them say."""

from lls_hw.models.program.ops.local import LocalBackproject, LocalError, LocalProject
from lls_hw.sim.functional.machine import IntegerMachine
from lls_hw.sim.kernels import local, softmax
from lls_hw.sim.kernels.events import plus

KINDS = {"none": 0, "vector": 1, "matrix": 2}
"""The kernels' number for the modulation's shape."""


def count_terms(m: IntegerMachine, op: LocalProject | LocalBackproject, terms: int) -> None:
    """Terms of a projection or of its transpose; a generator makes every sign anew, for every sample."""
    m.did(local.SIGN if op.projection is None else local.ENTRY, terms)
    if op.projection is None and m.basis_is_generated:
        m.count("phase_steps", terms)


def count_error(m: IntegerMachine, op: LocalError, drops: int, entries: int) -> None:
    """The events of `local_error_samples`, row by row, class by class, entry by entry of the modulation."""
    kind, rows, classes = KINDS[op.modulation_shape], op.batch * op.rows, op.batch * op.classes
    entry, end = local.MODULATED[kind]
    if op.norm is not None:
        m.did(local.RSQRT, op.batch)
        m.did(local.BY_NORM, rows)
    m.did(local.BY_TEMPERATURE, rows)
    m.did(plus(end, local.CLAMP, softmax.CLASS), classes)
    m.did(softmax.SAMPLE, op.batch)
    m.did(plus(local.COEFFICIENT, {"shifts": drops}), rows)
    if op.alignment is not None:
        m.did(local.ALIGNMENT, classes)
    if kind:
        m.did(plus(entry, entry, local.GRADIENT), op.batch * entries)
