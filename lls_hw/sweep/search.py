"""Multi-objective search over a grid, resumable and the same however often it was interrupted.

Optuna proposes, the sweep evaluates, the database remembers points; the study itself lives in memory and is
*replayed*: asked again from its first trial with the same seed, it proposes the same points, and those that
are stored are answered at once. A study kept by Optuna (`RDBStorage`) would forget the state of its random
numbers with the process, so that a resumed search would differ from an uninterrupted one; and it would be a
second writer of the file. Proposals are made a generation at a time, whatever the number of workers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lls_hw.sweep.grid import Grid
from lls_hw.sweep.pareto import SweepGoal, front
from lls_hw.sweep.points import Point
from lls_hw.sweep.rows import Row, flat_rows
from lls_hw.sweep.run import Summary
from lls_hw.training.stop import StepProgress

if TYPE_CHECKING:
    import optuna

GENERATION = 16
"""Trials that are proposed together: NSGA-II's population."""

Evaluate = Callable[[Sequence[Point]], Summary]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The result of a search.

    Attributes
    ----------
    trials : proposals answered; several may be the same point.
    rows : the points behind them, each once.
    front : see `pareto.front`.
    """

    trials: int
    rows: list[Row]
    front: list[Row]
    stopped: bool

    @property
    def failed(self) -> int:
        """Points that could not be evaluated."""
        return sum(row["status"] == "failed" for row in self.rows)


@dataclass(slots=True)
class Search:
    """A search under way; `evaluate` runs and stores what is missing of the points it is given."""

    grid: Grid
    objectives: tuple[SweepGoal, ...]
    seed: int
    path: Path
    evaluate: Evaluate
    progress: StepProgress = lambda _text, _done, _total: None

    def run(self, trials: int) -> Found:
        """So many trials in all, those of earlier runs included; a grid that is no larger is searched whole."""
        return self._all() if self.grid.size <= trials else self._guided(trials)

    def _all(self) -> Found:
        points = self.grid.points()
        summary = self.evaluate(points)
        rows = self._rows(points)
        return self._found(rows, len(rows), stopped=summary.stopped)

    def _guided(self, trials: int) -> Found:
        study, space = self._study()
        seen: dict[str, Row] = {}
        done = 0
        while done < trials:
            self.progress("trials", done, trials)
            asked = [study.ask(space) for _ in range(min(GENERATION, trials - done))]
            points = [self._point(trial.params) for trial in asked]
            if self.evaluate(list({point.id: point for point in points}.values())).stopped:
                return self._found(list(seen.values()), done, stopped=True)
            rows = {row["id"]: row for row in self._rows(points)}
            seen |= rows
            for trial, point in zip(asked, points, strict=True):
                self._tell(study, trial, rows[point.id])
            done += len(asked)
        self.progress("trials", done, trials)
        return self._found(list(seen.values()), done, stopped=False)

    def _study(self) -> "tuple[optuna.Study, dict[str, optuna.distributions.BaseDistribution]]":
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)  # failed trials are told of by the sweep
        sampler = optuna.samplers.NSGAIISampler(population_size=GENERATION, seed=self.seed)
        study = optuna.create_study(directions=[one.goal for one in self.objectives], sampler=sampler)
        axes = {name: values for name, values in self.grid.axes.items() if len(values) > 1}
        space: dict[str, optuna.distributions.BaseDistribution] = {
            name: optuna.distributions.CategoricalDistribution(range(len(values))) for name, values in axes.items()
        }
        return study, space

    def _point(self, params: dict[str, Any]) -> Point:
        """The point of one proposal: a place on every axis."""
        return self.grid.point({name: values[params.get(name, 0)] for name, values in self.grid.axes.items()})

    def _tell(self, study: "optuna.Study", trial: "optuna.trial.Trial", row: Row) -> None:
        import optuna

        values = [one.value(row) for one in self.objectives]
        if None in values:
            study.tell(trial, state=optuna.trial.TrialState.FAIL)
        else:
            study.tell(trial, [value for value in values if value is not None])

    def _rows(self, points: Sequence[Point]) -> list[Row]:
        wanted = {point.id for point in points}
        return [row for row in flat_rows(self.path) if row["id"] in wanted]

    def _found(self, rows: list[Row], trials: int, *, stopped: bool) -> Found:
        return Found(trials=trials, rows=rows, front=front(rows, self.objectives), stopped=stopped)
