"""The common part of `sweep` and `optimize`: a database, workers, and a signal that stops them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from lls_hw.commands.shared import bar_on
from lls_hw.models.spec.errors import SpecError
from lls_hw.options.option import Option
from lls_hw.options.results import ResultChoices
from lls_hw.sweep.choices import SweepWork
from lls_hw.training.plan import TrainPlan

if TYPE_CHECKING:
    from lls_hw.files import Outputs
    from lls_hw.sweep.run import Sweep

TrainPoints = Annotated[bool, Option("Train every point as well (default: costs alone).")]


def outputs_of(work: SweepWork, targets: Mapping[str, str | None]) -> "Outputs":
    """The files of a sweep, those that SQLite, the lock and trainings put beside its database included.

    Raises
    ------
    SpecError : one cannot be written or is named twice, or the database is something else.
    """
    from lls_hw.files import Outputs
    from lls_hw.sweep.store import beside, refuse_target

    outputs = Outputs({}, read_back={"--out": work.out})
    for path in beside(work.out):
        outputs.add("--out", path)
    for option, target in targets.items():
        outputs.claim(option, target)
    if Path(work.out).suffix.lower() in OTHER_ENDINGS:
        need = "it is a database (SQLite), whose name says something else"
        raise SpecError("--out", work.out, need, "Write, for example, sweep.sqlite, and --csv FILE for a table.")
    refuse_target(Path(work.out))
    return outputs


OTHER_ENDINGS = frozenset({".csv", ".tsv", ".json", ".parquet", ".xlsx", ".txt", ".toml", ".html"})


def refuse_idle(plan: TrainPlan, *, train: bool) -> None:
    """Options of a training without a training have no effect, so somebody expects something that will not be.

    Raises
    ------
    SpecError : one is given and `--train` is not.
    """
    for one in () if train else fields(TrainPlan):
        value = getattr(plan, one.name)
        if value != one.default:
            option = f"--{one.name.replace('_', '-')}"
            raise SpecError(option, value, "it is of trainings, and costs alone were asked for", "Add --train.")


@contextmanager
def at_work(
    work: SweepWork, what: str, results: ResultChoices
) -> "Iterator[tuple[Sweep, Callable[[str, int, int], None]]]":
    """The sweep on its database with its workers, and the bar that shows how far it is."""
    from lls_hw.sweep.executors import executor_for
    from lls_hw.sweep.run import Sweep
    from lls_hw.sweep.stop import Stop
    from lls_hw.sweep.store import Store

    stop = Stop()
    with (
        executor_for(work.cluster, work.jobs) as executor,
        Store(Path(work.out)) as store,
        stop.listening(),
        bar_on(results.quiet, what) as bar,
    ):
        yield Sweep(store, executor, stop, retry_failed=work.retry_failed), bar
