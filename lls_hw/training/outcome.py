"""Outcome of a training in integers."""

from dataclasses import dataclass
from typing import Any

from lls_hw.models.program.program import Program
from lls_hw.sim.functional.machine import IntegerMachine


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOutcome:
    """Outcome of a training in integers.

    Attributes
    ----------
    curve : per epoch {epoch, loss, test_accuracy (percent), losses, learning_rate, saturated, ...}.
    tensors : see `epoch.range_use`, of the last epoch that ended.
    images_per_s : of training alone, without tests and without the process's first step (it compiles).
    stopped : the user ended it early; `step` of `steps` were done.
    """

    curve: tuple[dict[str, Any], ...]
    tensors: tuple[dict[str, Any], ...]
    images_per_s: float
    step: int
    steps: int
    stopped: bool
    program: Program
    machine: IntegerMachine
