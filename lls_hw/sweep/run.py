"""A sweep at work: what is missing is evaluated, and stored the moment it is known."""

import shutil
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lls_hw.config import RunSpec
from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.array.order import addition_order
from lls_hw.sweep.executors import Executor
from lls_hw.sweep.identity import MODEL_VERSION, learning_inputs, run_id
from lls_hw.sweep.points import Outcome, Point, Task
from lls_hw.sweep.stop import Interrupted, Stop
from lls_hw.sweep.store import Store
from lls_hw.training.stop import StepProgress

SHARED = {"array": ArraySpec(rows=16, cols=16), "depthwise_on": "vector"}
"""Fields of the chip that trains for every array; others train again where the order of additions could matter."""


@dataclass(slots=True)
class Summary:
    """The counts of a sweep: points, and their states."""

    points: int = 0
    before: int = 0
    done: int = 0
    failed: int = 0
    trained: int = 0
    stopped: bool = False
    errors: list[str] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Points that a stop left over."""
        return self.points - self.before - self.done - self.failed


@dataclass(slots=True)
class Sweep:
    """Points on their way into a store.

    Parameters
    ----------
    retry_failed : evaluate again what failed before.
    """

    store: Store
    executor: Executor
    stop: Stop = field(default_factory=Stop)
    progress: StepProgress = lambda _text, _done, _total: None
    retry_failed: bool = False

    def run(self, points: Sequence[Point]) -> Summary:
        """Everything that is missing: first what several points learn from, then the points.

        Raises
        ------
        SpecError : the database cannot be written, or a worker runs another model.
        """
        known = self.store.known("points")
        missing = [point for point in points if not self._is_settled(known.get(point.id))]
        summary = Summary(points=len(points))
        before = [known[point.id] for point in points if self._is_settled(known.get(point.id))]
        summary.before, summary.failed = before.count("done"), before.count("failed")
        failed = [point.id for point in points if known.get(point.id) == "failed" and not self.retry_failed]
        summary.errors = [self.store.error("points", key) or "" for key in failed[:3]]
        try:
            learnt = self._learn([point for point in missing if point.learning is not None], summary)
            self._evaluate(missing, learnt, summary)
        except Interrupted:
            pass
        summary.stopped = bool(self.stop)
        return summary

    def _is_settled(self, status: str | None) -> bool:
        return status == "done" or (status == "failed" and not self.retry_failed)

    # -- points -------------------------------------------------------------------------

    def _evaluate(self, missing: Sequence[Point], learnt: dict[str, str], summary: Summary) -> None:
        by_id = {point.id: point for point in missing}
        tasks = []
        for point in missing:
            failure = self.store.error("trainings", learnt[point.id]) if point.id in learnt else None
            if failure is None:
                tasks.append(Task(id=point.id, kind="cost", run=point.run, technology=point.technology))
            else:
                self._put_point(_failure(point.id, failure), point, learnt, summary)
        with closing(self._outcomes(tasks, "points", summary.points - len(tasks), summary.points)) as outcomes:
            for outcome in outcomes:
                self._put_point(outcome, by_id[outcome["id"]], learnt, summary)

    def _put_point(self, outcome: Outcome, point: Point, learnt: dict[str, str], summary: Summary) -> None:
        self.store.put_point(outcome, point.inputs, point.label, learnt.get(point.id))
        if outcome["status"] == "done":
            summary.done += 1
        else:
            summary.failed += 1
            summary.errors.append(outcome["error"])

    # -- what points learn from ---------------------------------------------------------

    def _learn(self, points: Sequence[Point], summary: Summary) -> dict[str, str]:
        """The training of each point, by their ids; those that are missing are run.

        First one for all arrays; then, where its accumulators could have overflowed, one for each other
        order of additions.
        """
        shared = {point.id: self._task(point, None) for point in points}
        self._train(shared.values(), summary)
        own = {}
        for point in points:
            found = self.store.result("trainings", shared[point.id].id)
            order = addition_order(point.run.chip)
            if found is not None and not found["array_independent"] and found["addition_order"] != order:
                own[point.id] = self._task(point, order)
        self._train(own.values(), summary)
        return {key: task.id for key, task in (shared | own).items()}

    def _task(self, point: Point, order: dict[str, Any] | None) -> Task:
        learning = point.learning
        assert learning is not None, "only points that learn have a training"
        inputs = learning_inputs(point.run, learning.plan, learning.data, order)
        key, run = run_id(inputs), plain(point.run, shared=order is None)
        name = f"{key}-{run_id({'data': run.data})}.npz"  # a checkpoint belongs to one spelling of its data
        checkpoint = self._folder / name if self.executor.is_local and learning.plan else None
        return Task(id=key, kind=learning.kind, run=run, learning=learning, checkpoint=checkpoint, inputs=inputs)

    @property
    def _folder(self) -> Path:
        return self.store.path.with_name(self.store.path.name + ".checkpoints")

    def _train(self, wanted: Iterable[Task], summary: Summary) -> None:
        known = self.store.known("trainings")
        tasks = {task.id: task for task in wanted if not self._is_settled(known.get(task.id))}
        if not tasks:
            return
        if self.executor.is_local:
            self._folder.mkdir(exist_ok=True)
        with closing(self._outcomes(list(tasks.values()), "trainings", 0, len(tasks))) as outcomes:
            for outcome in outcomes:
                task = tasks[outcome["id"]]
                if outcome["status"] == "unwritable":
                    need = f"a checkpoint beside it cannot be written ({outcome['error']})"
                    raise SpecError("--out", str(self.store.path), need, "Make room, then repeat the command.")
                self.store.put_training(outcome, task.inputs)
                if outcome["status"] == "done":
                    summary.trained += 1
                    for checkpoint in self._folder.glob(f"{task.id}-*.npz"):
                        checkpoint.unlink(missing_ok=True)
        if self.executor.is_local and not self.stop and not any(self._folder.glob("*.npz")):
            shutil.rmtree(self._folder, ignore_errors=True)

    # -- both ---------------------------------------------------------------------------

    def _outcomes(self, tasks: Sequence[Task], what: str, done: int, total: int) -> Generator[Outcome]:
        """Outcomes as they come; a signal ends them, and workers with them."""
        self.progress(what, done, total)
        with closing(self.executor.run(tasks)) as results:
            while (part := self._next(results)) is not None:
                for outcome in part:
                    _refuse_other_model(outcome)
                    yield outcome
                    done += 1
                    self.progress(what, done, total)

    def _next(self, results: Iterator[list[Outcome]]) -> list[Outcome] | None:
        with self.stop.waiting():
            return next(results, None)


def plain(run: RunSpec, *, shared: bool) -> RunSpec:
    """The run that stands for all that share its training: no name, and the shared array or its own.

    So neither the order of a grid nor what was run before it decides what a training is.
    """
    chip = run.chip.model_copy(update=SHARED) if shared else run.chip
    network = run.network.model_copy(update={"name": "network"})
    return run.model_copy(update={"network": network, "chip": chip})


def _failure(key: str, error: str) -> Outcome:
    """A point whose training failed has no accuracy to stand beside its costs."""
    return {"id": key, "status": "failed", "error": error, "result": None, "seconds": 0.0}


def _refuse_other_model(outcome: Outcome) -> None:
    if outcome["model_version"] != MODEL_VERSION:
        need = f"a worker runs model {outcome['model_version']}, and this is {MODEL_VERSION}"
        raise SpecError("--cluster", outcome["model_version"], need, "Install one version everywhere.")
