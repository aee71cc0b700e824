"""Everything that decides a training's values and curve: the learning rate of every step, and the hash of a run."""

import hashlib
import json
import zlib

import numpy as np

from lls_hw.config import RunSpec
from lls_hw.models.data import Images
from lls_hw.models.reference.schedule import RateSchedule, RateScheduleSpec
from lls_hw.sim.array.order import addition_order
from lls_hw.training.plan import TrainPlan

ROUNDING_VERSION = 2  # raised when a decision about rounding changes: older checkpoints are then refused


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
    sums = [run.accumulate] if run.accumulate > 1 else []
    rest = [chip, run.batch, run.seed, run.data, plan.json(), data, images.mean, images.std, ROUNDING_VERSION, *sums]
    text = json.dumps([specs, rest], sort_keys=True, default=list)
    return hashlib.sha256(text.encode()).hexdigest()
