"""Training in integers on the functional engine: epochs, schedule, tests, checkpoints that resume exactly."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from lls_hw.config import RunSpec
from lls_hw.fidelity.counts import StepCounts
from lls_hw.fidelity.integer_steps import integer_refusal, start_values, step_batch
from lls_hw.files import sweep_partials
from lls_hw.models.data import Images, load_data, look_at_all
from lls_hw.models.program.program import Program
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.functional.engine import FunctionalEngine
from lls_hw.sim.functional.inference import Inference, accuracy
from lls_hw.training.checkpoint import load, save
from lls_hw.training.epoch import curve_entry, range_use
from lls_hw.training.identity import identity, learning_rate
from lls_hw.training.outcome import TrainOutcome
from lls_hw.training.plan import TrainPlan, batches_of
from lls_hw.training.stop import StepProgress, Stopped


def limited(
    run: RunSpec,
    images: Images,
    plan: TrainPlan,
    *,
    progress: StepProgress = lambda _text, _done, _total: None,
    stop: Callable[[], bool] = lambda: False,
) -> Images:
    """The training and test images that the plan keeps, each looked at once: none can fail after hours of work.

    Raises
    ------
    SpecError : fewer training images than one update takes, or no test image, or one
        that cannot be decoded.
    """
    if plan.limit is not None and plan.limit < len(images.train_labels):
        network = run.network
        images = load_data(run.data, shape=network.input, classes=network.classes, seed=run.seed, limit=plan.limit)
    count = len(images.train_labels)
    if run.batch > count:
        raise SpecError("--batch", run.batch, f"there are {count} training images", f"Use at most {count}.")
    if not batches_of(run, count):
        need = f"there are {count} training images, {count // run.batch} batches"
        raise SpecError("--accumulate", run.accumulate, need, f"Use at most {count // run.batch}.")
    if not len(images.test_labels):
        need = "it has no test picture, so nothing of it would be an accuracy"
        raise SpecError("--data", run.data, need, "Give a set with some, or simulate instead of training.")
    if plan.test_limit is not None:
        part = slice(0, plan.test_limit)
        images = replace(images, test_images=images.test_images[part], test_labels=images.test_labels[part])

    def between(done: int, total: int) -> None:
        progress("looking at pictures", done, total)
        if stop():
            raise Stopped

    with suppress(Stopped):  # training stops at once as well
        look_at_all(images, between)
    return images


def train(
    run: RunSpec,
    program: Program,
    images: Images,
    plan: TrainPlan,
    *,
    progress: StepProgress = lambda _text, _done, _total: None,
    stop: Callable[[], bool] = lambda: False,
) -> TrainOutcome:
    """Train, test after every epoch, and continue from the plan's checkpoint if there is one.

    A run that was interrupted, however rudely, and then resumed leaves the same values and the
    same curve as one that was not.

    Parameters
    ----------
    images : as `limited` returns them.
    stop : asked after every batch; once true, the state is saved and the outcome says `stopped`.

    Raises
    ------
    SpecError : the rule, optimiser or batch has no integer execution, or the checkpoint is not this run's.
    """
    refusal = integer_refusal(program)
    if refusal is not None:
        raise refusal
    trainer = Trainer(run, program, images, plan, progress, stop)
    trainer.resume()
    try:
        while trainer.advance():
            pass
    except Stopped:
        trainer.save()
        return trainer.outcome(stopped=True)
    return trainer.outcome(stopped=False)


@dataclass(slots=True)
class Trainer:
    """A run at work. Where it stands follows from the machine's step and the length of the curve."""

    run: RunSpec
    program: Program
    images: Images
    plan: TrainPlan
    progress: StepProgress
    stop: Callable[[], bool]
    curve: list[dict[str, Any]] = field(default_factory=list)
    tensors: list[dict[str, Any]] = field(default_factory=list)
    counts: StepCounts = field(default_factory=StepCounts)
    seconds: float = 0.0
    timed_images: int = 0
    engine: FunctionalEngine = field(init=False)
    identity: str = field(init=False)
    _saved: tuple[int, int] = field(init=False, default=(0, 0))
    _warm: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        run = self.run
        values = start_values(run, self.program)
        self.engine = FunctionalEngine(self.program, values, run.chip, seed=run.seed)
        self.identity = identity(run, self.plan, self.images)

    @property
    def steps_per_epoch(self) -> int:
        """Batches of the whole updates in an epoch."""
        return batches_of(self.run, len(self.images.train_labels))

    @property
    def steps(self) -> int:
        """Steps of the whole run: a batch each."""
        return self.steps_per_epoch * self.plan.epochs

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        base = self.run.optimizer.learning_rate
        return learning_rate(base, self.plan.schedule, step, self.steps_per_epoch, self.plan.epochs)

    def advance(self) -> bool:
        """One training step, or the test that ends an epoch; False when the run is over."""
        if len(self.curve) == self.plan.epochs:
            return False
        if self.engine.machine.step == (len(self.curve) + 1) * self.steps_per_epoch:
            self._end_epoch()
        else:
            self._step()
        return True

    def _step(self) -> None:
        machine = self.engine.machine
        began = time.perf_counter()
        machine.learning_rate = self.rate(machine.step)
        x, labels = step_batch(self.run, self.images, machine.step)
        self.counts.add(self.engine.step(x, labels), self.engine)
        if self._warm:
            self.seconds += time.perf_counter() - began
            self.timed_images += self.run.batch
        self._warm = True
        if machine.step % self.steps_per_epoch == 0:
            self.tensors = range_use(machine, self.counts.saturated)
        loss = self.counts.losses["classifier"] / self.counts.steps
        self.progress(f"epoch {len(self.curve) + 1}, loss {loss:.3f}", machine.step, self.steps)
        if machine.step % self.plan.checkpoint_every == 0:
            self.save()
        self._heed()

    def _end_epoch(self) -> None:
        machine, images = self.engine.machine, self.images
        epoch, total = len(self.curve) + 1, len(images.test_labels)
        inference = Inference(
            self.run.network, self.run.precision, self.run.chip, machine.values, fixed=machine.scales.fixed
        )

        def between(done: int) -> None:
            self.progress(f"epoch {epoch}, testing {done} of {total}", machine.step, self.steps)
            self._heed()

        found = accuracy(
            inference,
            images.test_images,
            images.test_labels,
            mean=images.mean,
            std=images.std,
            batch=self.plan.test_batch,
            between=between,
        )
        self.counts.guarded += inference.guarded
        self.curve.append(curve_entry(self.counts, epoch, found, self.rate(machine.step - 1)))
        self.counts = StepCounts()
        self.save()

    def _heed(self) -> None:
        if self.stop():
            raise Stopped

    def save(self) -> None:
        """Write the checkpoint, unless it is there already."""
        at = (self.engine.machine.step, len(self.curve))
        if self.plan.checkpoint is None or at == self._saved:
            return
        progress = {
            "curve": self.curve,
            "tensors": self.tensors,
            "counts": asdict(self.counts),
            "seconds": self.seconds,
            "timed_images": self.timed_images,
        }
        save(self.plan.checkpoint, self.identity, self.program, self.engine.machine, progress)
        self._saved = at

    def resume(self) -> None:
        """Continue where the checkpoint ends, if there is one."""
        if self.plan.checkpoint is None:
            return
        sweep_partials(self.plan.checkpoint)
        stored = load(self.plan.checkpoint, self.identity, self.program)
        if stored is None:
            return
        stored.restore(self.engine.machine)
        progress = stored.progress
        self.curve, self.tensors = list(progress["curve"]), list(progress["tensors"])
        self.counts = StepCounts(**progress["counts"])
        self.seconds, self.timed_images = float(progress["seconds"]), int(progress["timed_images"])
        self._saved = (stored.step, len(self.curve))

    def outcome(self, *, stopped: bool) -> TrainOutcome:
        """The run so far."""
        machine = self.engine.machine
        return TrainOutcome(
            curve=tuple(self.curve),
            tensors=tuple(self.tensors),
            images_per_s=self.timed_images / self.seconds if self.seconds else 0.0,
            step=machine.step,
            steps=self.steps,
            stopped=stopped,
            program=self.program,
            machine=machine,
        )
