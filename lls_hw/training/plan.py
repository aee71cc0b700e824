"""What a training run is asked, what it counts, and what it leaves."""

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lls_hw.config import RunSpec
from lls_hw.fidelity.integer_steps import losses
from lls_hw.models.data import Images
from lls_hw.models.program.program import Program
from lls_hw.models.reference.schedule import Schedule, ScheduleSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.functional.engine import FunctionalEngine
from lls_hw.sim.functional.machine import Machine, OpRecord
from lls_hw.sim.kernels.requant import max_abs

SCHEDULES = ("constant", "cosine", "multistep")
ROUNDING_VERSION = 1  # raised when a decision about rounding changes: older checkpoints are then refused
RANGED = ("input", "activation", "error", "gradient", "weight", "master", "momentum", "parameter")
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
    spec = ScheduleSpec(name=schedule)  # type: ignore[arg-type]  # it checks the name itself
    return base * Schedule(spec, steps_per_epoch, epochs).scale(step)


def identity(run: RunSpec, plan: TrainPlan, images: Images) -> str:
    """Hash of everything that decides the values and the curve, and of nothing else."""
    specs = [spec.model_dump(mode="json") for spec in (run.network, run.rule, run.precision, run.optimizer)]
    chip = [run.chip.array.rows, run.chip.local.phase_bits]
    sample = np.ascontiguousarray(images.train_images[np.arange(min(8, len(images.train_labels)))])
    data = [zlib.crc32(part.tobytes()) for part in (images.train_labels, images.test_labels, sample)]
    rest = [chip, run.batch, run.seed, run.data, plan.json(), data, images.mean, images.std, ROUNDING_VERSION]
    text = json.dumps([specs, rest], sort_keys=True, default=list)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(slots=True)
class Tally:
    """Sums over the steps of one epoch; plain data, so that a checkpoint may fall in between.

    `guarded` counts products (those of the epoch's test too) whose sums were not proven to fit their
    accumulator: without any, the array's rows cannot have changed a bit of the curve.
    """

    steps: int = 0
    losses: dict[str, float] = field(default_factory=dict)
    saturated: dict[str, int] = field(default_factory=dict)
    overflows: int = 0
    wanted: int = 0
    lost: int = 0
    guarded: int = 0

    def add(self, records: list[OpRecord], engine: FunctionalEngine) -> None:
        """One step."""
        program, machine = engine.machine.program, engine.machine
        self.steps += 1
        for name, loss in losses(engine).items():
            self.losses[name] = self.losses.get(name, 0.0) + loss
        for record in records:
            self.overflows += record.tally.overflows
            self.guarded += record.tally.guarded
            if record.saturated:
                name = program.ops[record.index].writes[0]
                self.saturated[name] = self.saturated.get(name, 0) + record.saturated
        for name, tap in machine.taps.items():
            if name.endswith("/updates"):
                self.wanted += int(tap[0])
                self.lost += int(tap[1])

    def entry(self, epoch: int, test_accuracy: float, rate: float) -> dict[str, Any]:
        """The epoch's place in the curve; `rate` is the last step's, `test_accuracy` in percent."""
        means = {name: total / self.steps for name, total in self.losses.items()}
        return {
            "epoch": epoch,
            "loss": means["classifier"],
            "test_accuracy": test_accuracy,
            "losses": means,
            "learning_rate": rate,
            "saturated": sum(self.saturated.values()),
            "accumulator_overflows": self.overflows,
            "guarded": self.guarded,
            "lost_update_fraction": self.lost / max(1, self.wanted),
        }


def range_use(machine: Machine, saturated: Mapping[str, int]) -> list[dict[str, Any]]:
    """How much of its word each tensor of the last step used, and what saturated in the epoch.

    `used_bits` counts the sign; `range_use` is the largest |code| over the largest there is.
    """
    rows = []
    for name, tensor in machine.program.tensors.items():
        if tensor.role not in RANGED or name not in machine.values:
            continue
        value, most = machine.values[name], (1 << (tensor.bits - 1)) - 1
        peak = max_abs(value.codes)
        rows.append(
            {
                "tensor": name,
                "bits": tensor.bits,
                "fraction_bits": value.frac,
                "used_bits": min(tensor.bits, peak.bit_length() + 1),
                "range_use": min(1.0, peak / most),
                "saturated": saturated.get(name, 0),
            }
        )
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOutcome:
    """What a run leaves.

    Attributes
    ----------
    curve : per epoch {epoch, loss, test_accuracy (percent), losses, learning_rate, saturated, ...}.
    tensors : see `range_use`, of the last epoch that ended.
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
    machine: Machine
