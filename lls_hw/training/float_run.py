"""The float reference trained beside the integers: the same start, batches and schedule."""

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from lls_hw.config import RunSpec
from lls_hw.models.data import Images, normalise
from lls_hw.models.reference.schedule import RateScheduleSpec
from lls_hw.models.reference.train_records import Samples, Stored, TrainOptions
from lls_hw.training.plan import TrainPlan, batches_of
from lls_hw.training.stop import StepProgress, Stopped


def train_float(
    run: RunSpec,
    images: Images,
    plan: TrainPlan,
    *,
    progress: StepProgress = lambda _text, _done, _total: None,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[list[dict[str, float]], float, bool]:
    """(curve, images a second, stopped early) of the PyTorch reference on the same run.

    Its checkpoint is written after every epoch.

    Raises
    ------
    SpecError : the optimiser and schedule do not go together, or the checkpoint is another run's.
    """
    from lls_hw.models.reference.train import train as train_reference

    options = TrainOptions(
        epochs=plan.epochs,
        batch=run.batch,
        accumulate=run.accumulate,
        seed=run.seed,
        schedule=RateScheduleSpec(name=plan.schedule),  # type: ignore[arg-type]  # the plan checked it
        checkpoint=plan.float_checkpoint,
    )
    steps = batches_of(run, len(images.train_labels)) * plan.epochs
    curve: list[dict[str, float]] = []

    def prepare(pictures: Stored, step: int | None) -> npt.NDArray[np.float32]:
        if step is not None:
            progress(f"float reference, epoch {step * plan.epochs // steps + 1}", step, steps)
        if stop():
            raise Stopped
        return normalise(pictures.astype(np.uint8, copy=False), images.mean, images.std)

    def entry(found: dict[str, Any]) -> None:
        curve.append(found)

    data = (Samples(images=images.train_images, labels=images.train_labels),
            Samples(images=images.test_images, labels=images.test_labels))  # fmt: skip
    with contextlib.suppress(Stopped):
        result = train_reference(run.network, run.rule, run.optimizer, data, options, prepare=prepare, progress=entry)
        return list(result.curve), result.images_per_s, False
    return curve, 0.0, True
