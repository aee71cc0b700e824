"""How long and how a training runs, and what identifies it."""

import hashlib
import json
import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lls_hw.config import RunSpec
from lls_hw.models.data import Images
from lls_hw.models.reference.schedule import RateSchedule, RateScheduleSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.array.order import addition_order

FLOAT_ENDING = ".float"
"""Of the float run's checkpoint, beside the integers'."""
SCHEDULES = ("constant", "cosine", "multistep")
ROUNDING_VERSION = 1  # raised when a decision about rounding changes: older checkpoints are then refused
Progress = Callable[[str, int, int], None]
"""(what is being done, done, of how many)."""


class Stopped(Exception):  # noqa: N818  (not an error)
    """The user asked to stop; everything is saved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainPlan:
    """How long and how a run trains.

    `checkpoint` is resumed from if it exists, and written every `every` steps, after every epoch and on
    a stop. `test_limit` keeps the first test images only; `test_batch` images share scales in a test.
    """

    epochs: int = 1
    schedule: str = "cosine"
    limit: int | None = None
    test_limit: int | None = None
    test_batch: int = 250
    checkpoint: Path | None = None
    every: int = 100

    def __post_init__(self) -> None:
        for option, value in (
            ("--epochs", self.epochs),
            ("--limit", self.limit),
            ("--test-limit", self.test_limit),
            ("--test-batch", self.test_batch),
            ("--checkpoint-every", self.every),
        ):
            if value is not None and value < 1:
                raise SpecError(option, value, "it is at least 1", "Use 1 or more.")
        if self.schedule not in SCHEDULES:
            need = f"the schedules are {', '.join(SCHEDULES)}"
            raise SpecError("--schedule", self.schedule, need, "Choose one of them.")

    def json(self) -> dict[str, Any]:
        """What decides the curve."""
        left_out = {"checkpoint", "every"}
        return {name: value for name, value in asdict(self).items() if name not in left_out}


def learning_rate(base: float, schedule: str, step: int, steps_per_epoch: int, epochs: int) -> float:
    """The rate of a step (0-based): a pure function, the float trainer's own.

    cosine: base (1 + cos(pi step / steps)) / 2. multistep: a tenth after 50, 75 and 90 % of the epochs.

    Examples
    --------
    >>> learning_rate(0.05, "cosine", 50, 10, 10)
    0.025
    """
    spec = RateScheduleSpec(name=schedule)  # type: ignore[arg-type]  # it checks the name itself
    return base * RateSchedule(spec, steps_per_epoch, epochs).scale(step)


def identity(run: RunSpec, plan: TrainPlan, images: Images) -> str:
    """Hash of everything that decides the values and the curve, and of nothing else."""
    specs = [spec.model_dump(mode="json") for spec in (run.network, run.rule, run.precision, run.optimizer)]
    chip = [addition_order(run.chip), run.chip.local.phase_bits]
    sample = np.ascontiguousarray(images.train_images[np.arange(min(8, len(images.train_labels)))])
    data = [zlib.crc32(part.tobytes()) for part in (images.train_labels, images.test_labels, sample)]
    rest = [chip, run.batch, run.seed, run.data, plan.json(), data, images.mean, images.std, ROUNDING_VERSION]
    text = json.dumps([specs, rest], sort_keys=True, default=list)
    return hashlib.sha256(text.encode()).hexdigest()
