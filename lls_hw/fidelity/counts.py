"""Losses of training steps in integers: codes that saturated, sums that overflowed, updates that moved no code."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from lls_hw.sim.functional.engine import FunctionalEngine
from lls_hw.sim.functional.machine import OpRecord


@dataclass(slots=True)
class StepCounts:
    """Sums over steps; plain data, so that a checkpoint may fall in between.

    Attributes
    ----------
    losses : summed over the steps, by layer with a local loss, and `classifier`.
    saturated : codes that did not fit, by the op's first output.
    overflows : additions that left an accumulator.
    wanted, lost : updates that should have moved a master code, and those of them that moved none.
    guarded : products whose sums might have overflowed their accumulator: without any, the array's rows
        cannot have changed a bit.
    """

    steps: int = 0
    losses: dict[str, float] = field(default_factory=dict)
    saturated: dict[str, int] = field(default_factory=dict)
    overflows: int = 0
    wanted: int = 0
    lost: int = 0
    guarded: int = 0

    @property
    def lost_update_fraction(self) -> float:
        """Of the wanted updates, those that moved no master code."""
        return self.lost / max(1, self.wanted)

    def add(self, records: Sequence[OpRecord], engine: FunctionalEngine) -> dict[str, float]:
        """Count one step; returns its losses."""
        ops = engine.machine.program.ops
        self.steps += 1
        for record in records:
            self.overflows += record.tally.overflows
            self.guarded += record.tally.guarded
            if record.saturated:
                name = ops[record.index].result
                self.saturated[name] = self.saturated.get(name, 0) + record.saturated
            self.wanted += record.wanted
            self.lost += record.lost
        found = losses(records, engine)
        for name, loss in found.items():
            self.losses[name] = self.losses.get(name, 0.0) + loss
        return found


def losses(records: Sequence[OpRecord], engine: FunctionalEngine) -> dict[str, float]:
    """Mean -log likelihood of the label per loss, from integer likelihoods with 24 fraction bits.

    A likelihood below the last bit counts as half of it.
    """
    return {
        engine.machine.program.ops[record.index].layer: float(
            np.mean(-np.log(np.maximum(record.likelihood, 0.5) * 2.0**-24))
        )
        for record in records
        if record.likelihood is not None
    }
