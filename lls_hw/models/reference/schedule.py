"""Learning-rate schedules of the float trainer: pure functions of the step, and a plateau's memory."""

import math
from dataclasses import dataclass, field
from typing import Literal

from lls_hw.models.spec.choices import chosen
from lls_hw.models.spec.errors import SpecError

ScheduleName = Literal["constant", "cosine", "multistep", "plateau"]
SCHEDULES: tuple[ScheduleName, ...] = ("constant", "cosine", "multistep", "plateau")


@dataclass(frozen=True, slots=True, kw_only=True)
class RateScheduleSpec:
    """Course of the learning rate.

    constant: 1. cosine: (1 + cos(pi step / steps)) / 2, every step. multistep: `factor` at each of the
    `milestones`, shares of the run (0.5 is half of its epochs). plateau: `factor` whenever the epoch's loss
    has not fallen by a relative 1e-4 for more than `patience` epochs.
    """

    name: ScheduleName = "cosine"
    milestones: tuple[float, ...] = (0.5, 0.75, 0.9)
    factor: float = 0.1
    patience: int = 5

    def __post_init__(self) -> None:
        name = chosen("--schedule", self.name, SCHEDULES, "known are")
        object.__setattr__(self, "name", name)  # a record is frozen once it is made
        if not 0 < self.factor < 1:
            raise SpecError("schedule.factor", self.factor, "it lies between 0 and 1", "Use 0.1.")
        if any(not 0 < share < 1 for share in self.milestones):
            raise SpecError("schedule.milestones", self.milestones, "they are shares of the run", "Use 0.5, 0.75.")


@dataclass(slots=True)
class RateSchedule:
    """A schedule at work; `state` is all it must remember (a plateau's best loss, wait and scale)."""

    spec: RateScheduleSpec
    steps_per_epoch: int
    epochs: int
    state: dict[str, float] = field(default_factory=lambda: {"best": math.inf, "waited": 0.0, "scale": 1.0})

    def scale(self, step: int) -> float:
        """Share of the initial rate at a step (0-based, over the whole run)."""
        if self.spec.name == "cosine":
            return 0.5 * (1 + math.cos(math.pi * step / (self.steps_per_epoch * self.epochs)))
        if self.spec.name == "multistep":
            epoch = step // self.steps_per_epoch
            return float(self.spec.factor ** sum(epoch >= share * self.epochs for share in self.spec.milestones))
        return self.state["scale"]

    def epoch_ended(self, loss: float) -> None:
        """Tell a plateau the epoch's mean loss."""
        if self.spec.name != "plateau":
            return
        if loss < self.state["best"] * (1 - 1e-4):
            self.state |= {"best": loss, "waited": 0.0}
            return
        self.state["waited"] += 1
        if self.state["waited"] > self.spec.patience:
            self.state |= {"waited": 0.0, "scale": self.state["scale"] * self.spec.factor}
