"""Train a network in real numbers: epochs, schedules, tests, checkpoints that resume exactly."""

import hashlib
import json
import math
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lls_hw.models.data.sampling import epoch_order
from lls_hw.models.reference.build import build_reference, image_tensor, label_tensor, to_arrays, torch_dtype
from lls_hw.models.reference.checkpoint import load_checkpoint, save_checkpoint
from lls_hw.models.reference.evaluate import reestimated, test_accuracy
from lls_hw.models.reference.initial import initial_parameters
from lls_hw.models.reference.network import Reference
from lls_hw.models.reference.optimizers import make_optimizer, set_mode
from lls_hw.models.reference.schedule import RateSchedule
from lls_hw.models.reference.train_records import Prepare, Samples, Stored, TrainOptions, TrainResult, as_floats
from lls_hw.models.rules.registry import find_rule
from lls_hw.models.rules.rule import Array
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.rule import OptimizerSpec, RuleSpec


def train(
    network: NetworkSpec,
    rule: RuleSpec,
    optimizer: OptimizerSpec,
    data: tuple[Samples, Samples],
    options: TrainOptions,
    *,
    parameters: Mapping[str, Array] | None = None,
    prepare: Prepare = as_floats,
    progress: Callable[[dict[str, float]], None] | None = None,
) -> TrainResult:
    """Train on `data[0]`, test on `data[1]` after every epoch.

    Parameters
    ----------
    parameters : where to start, program layout; the default draws them from the seed.
    prepare : normalises (and in training augments) pictures; must depend on its arguments alone.
    progress : called with each new entry of the curve.

    With a checkpoint path the run continues where that file ends, with the same curve as an
    uninterrupted run, and the file is rewritten after every epoch.

    Raises
    ------
    SpecError : shapes or options do not fit, or the checkpoint belongs to another run.
    """
    run = _Run(network, rule, optimizer, data, options, prepare)
    run.start(initial_parameters(network, rule, options.seed) if parameters is None else parameters)
    while run.epoch < options.epochs:
        entry = run.train_epoch()
        if options.checkpoint is not None:
            save_checkpoint(options.checkpoint, run.identity, run.state())
        if progress is not None:
            progress(entry)
    return run.result()


@dataclass(slots=True)
class _Run:
    """A run at work."""

    network: NetworkSpec
    rule: RuleSpec
    optimizer_spec: OptimizerSpec
    data: tuple[Samples, Samples]
    options: TrainOptions
    prepare: Prepare
    epoch: int = 0
    curve: list[dict[str, float]] = field(default_factory=list)
    identity: str = ""
    seconds: float = 0.0
    images: int = 0
    reference: Reference = field(init=False)
    optimizer: torch.optim.Optimizer = field(init=False)
    schedule: RateSchedule = field(init=False)

    @property
    def steps_per_epoch(self) -> int:
        """Batches of the whole updates in an epoch; the rest of a shuffle waits for another epoch."""
        batch, accumulate = self.options.batch, self.options.accumulate
        return len(self.data[0].labels) // (batch * accumulate) * accumulate

    @property
    def schedule_free(self) -> bool:
        """Whether the optimiser keeps averaged weights of its own."""
        return self.optimizer_spec.name.startswith("schedulefree")

    def start(self, parameters: Mapping[str, Array]) -> None:
        """Build everything, then continue from the checkpoint if there is one."""
        self._check()
        self.identity = self._identity(parameters)
        options = self.options
        self.reference = build_reference(
            self.network, self.rule, parameters, dtype=options.dtype, dropout=options.dropout, device=options.device
        )
        trained = self.reference.trained().values()
        self.optimizer = make_optimizer(self.optimizer_spec, trained, warmup_steps=options.warmup_steps)
        set_mode(self.optimizer, training=True)
        self.schedule = RateSchedule(options.schedule, self.steps_per_epoch, options.epochs)
        stored = None if options.checkpoint is None else load_checkpoint(options.checkpoint, self.identity)
        if stored is not None:
            self._restore(stored)

    def _check(self) -> None:
        samples, batch = self.data[0], self.options.batch
        if batch * self.options.accumulate > len(samples.labels):
            raise SpecError("--batch", batch, f"there are {len(samples.labels)} training images", "Use a smaller one.")
        if not find_rule(self.rule.name).learns:
            raise SpecError("--rule", self.rule.name, "training needs a rule that learns", "Choose another rule.")
        if self.schedule_free and self.options.schedule.name != "constant":
            need = f"{self.optimizer_spec.name} schedules itself"
            raise SpecError("--schedule", self.options.schedule.name, need, "Use --schedule constant.")

    def _identity(self, parameters: Mapping[str, Array]) -> str:
        """Hash of everything that decides the curve."""
        options = {k: v for k, v in asdict(self.options).items() if k not in {"checkpoint", "device", "test_batch"}}
        start = [(name, zlib.crc32(value.tobytes())) for name, value in sorted(parameters.items())]
        sets = [(len(s.images), zlib.crc32(s.labels.tobytes())) for s in self.data]
        specs = [spec.model_dump(mode="json") for spec in (self.network, self.rule, self.optimizer_spec)]
        text = json.dumps([specs, options, start, sets], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def train_epoch(self) -> dict[str, float]:
        """One pass over the training images, then a test; returns the curve's new entry."""
        began, total = time.perf_counter(), 0.0
        first = self.epoch * self.steps_per_epoch
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed((self.options.seed << 20) + self.epoch)  # dropout's stream
            for step in range(first, first + self.steps_per_epoch):
                total += self._train_step(step)
        self.seconds += time.perf_counter() - began
        self.images += self.steps_per_epoch * self.options.batch
        loss = total / self.steps_per_epoch
        if not math.isfinite(loss):
            rate = self.optimizer_spec.learning_rate
            raise SpecError("--lr", rate, f"the loss left the numbers in epoch {self.epoch + 1}", "Use a smaller one.")
        self.schedule.epoch_ended(loss)
        self.epoch += 1
        self.curve.append({"epoch": self.epoch, "loss": loss, "test_accuracy": self._test()})
        return self.curve[-1]

    def _train_step(self, step: int) -> float:
        """One batch; returns the classifier's loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.optimizer_spec.learning_rate * self.schedule.scale(step)
        x, labels = self._batch(step, step)
        target = label_tensor(self.network, labels, len(labels), self.options.device)
        tape = self.reference.learn(x, target)
        if tape.objective is None:
            raise AssertionError("a step without an objective")
        share = self.options.accumulate
        if step % share == 0:
            self.optimizer.zero_grad()
        (tape.objective / share).backward()  # type: ignore[no-untyped-call]
        if step % share == share - 1:
            self.optimizer.step()
        return float(tape.losses["classifier"].detach())

    def _batch(self, step: int, prepared_as: int | None) -> tuple[Tensor, npt.NDArray[np.int64]]:
        """Images and labels of a training step; the order of the fixed-point trainer's batches."""
        epoch, slot = divmod(step, self.steps_per_epoch)
        samples, size = self.data[0], self.options.batch
        chosen = epoch_order(len(samples.labels), self.options.seed, epoch)[slot * size : (slot + 1) * size]
        return self._tensor(samples.images[chosen], prepared_as), samples.labels[chosen]

    def _tensor(self, pictures: Stored, step: int | None) -> Tensor:
        images = self.prepare(pictures, step)
        return image_tensor(self.network, images, torch_dtype(self.options.dtype), self.options.device)

    def _test(self) -> float:
        """Accuracy on the test images, at the averaged weights of a schedule-free optimiser."""
        set_mode(self.optimizer, training=False)
        accuracy = test_accuracy(self._tested(), self._test_batches())
        set_mode(self.optimizer, training=True)
        return accuracy

    def _tested(self) -> Reference:
        """The reference as it is tested."""
        if not self.schedule_free:
            return self.reference
        count = min(self.options.bn_batches, self.steps_per_epoch)
        return reestimated(self.reference, (self._batch(step, None)[0] for step in range(count)))

    def _test_batches(self) -> Iterator[tuple[Tensor, npt.NDArray[np.int64]]]:
        samples, size = self.data[1], self.options.test_batch
        for start in range(0, len(samples.labels), size):
            part = slice(start, start + size)
            yield self._tensor(samples.images[part], None), samples.labels[part]

    def state(self) -> dict[str, Any]:
        """All that a continued run needs; only numbers, strings and tensors."""
        return {
            "epoch": self.epoch,
            "curve": self.curve,
            "parameters": {name: value.detach() for name, value in self.reference.parameters.items()},
            "buffers": self.reference.buffers,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state,
        }

    def _restore(self, state: Mapping[str, Any]) -> None:
        self.epoch, self.curve = int(state["epoch"]), list(state["curve"])
        with torch.no_grad():
            for name, value in self.reference.parameters.items():
                value.copy_(state["parameters"][name])
        self.reference.buffers = {name: value.to(self.options.device) for name, value in state["buffers"].items()}
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.state = dict(state["schedule"])

    def result(self) -> TrainResult:
        """The finished run."""
        set_mode(self.optimizer, training=False)
        tested = self._tested()
        return TrainResult(
            curve=tuple(self.curve),
            parameters=to_arrays(tested, tested.parameters),
            statistics={name: value.cpu().numpy() for name, value in tested.buffers.items()},
            images_per_s=self.images / self.seconds if self.seconds else 0.0,
        )
