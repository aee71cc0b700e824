"""Records of a sweep: a point, what it learns from, and the tasks that workers are given."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from lls_hw.config import RunSpec
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.training.plan import TrainPlan

TaskKind = Literal["cost", "train", "proxy"]
Label = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learning:
    """The way to a point's accuracy: trained by a plan, or (no plan) judged from one step.

    `data` is the digest of the pictures that the main process saw.
    """

    plan: TrainPlan | None
    data: str

    @property
    def kind(self) -> TaskKind:
        """The task that answers it."""
        return "proxy" if self.plan is None else "train"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One run of a sweep, resolved.

    Attributes
    ----------
    id : see `identity.run_id`.
    label : the short choices, for people and tables.
    technology : the table itself, so that a worker elsewhere needs no file.
    """

    id: str
    inputs: dict[str, Any]
    label: Label
    run: RunSpec
    technology: TechnologySpec
    learning: Learning | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """The whole of what a worker is given: descriptions, no names to look up but the data's path.

    `checkpoint` is a file of the machine that keeps the database; None on a cluster.
    """

    id: str
    kind: TaskKind
    run: RunSpec
    technology: TechnologySpec | None = None
    learning: Learning | None = None
    checkpoint: Path | None = None
    inputs: dict[str, Any] = field(default_factory=dict)


Outcome = dict[str, Any]
"""Plain data: id, kind, status ("done" or "failed"), error, result, seconds, model_version."""
