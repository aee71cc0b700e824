"""A whole `lls-hw train`: integers, the float reference beside them, and the price of an image."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lls_hw.config import RunSpec, lower_run
from lls_hw.fidelity.integer_steps import integer_refusal
from lls_hw.models.data import Images
from lls_hw.models.program.program import Program
from lls_hw.training.float_run import train_float
from lls_hw.training.outcome import TrainOutcome
from lls_hw.training.plan import TrainPlan
from lls_hw.training.stop import StepProgress
from lls_hw.training.trainer import limited, train

if TYPE_CHECKING:
    from rich.table import Table

TRAIN_SCHEMA = "lls-hw/train/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class PerImage:
    """One training step's costs over its batch."""

    energy_uj: float
    cycles: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainReport:
    """The output of `lls-hw train`.

    Attributes
    ----------
    outcome : the integers; None where only the float reference can train.
    float_curve : None without `--float`.
    per_image : None under `--no-costs`.
    """

    run: RunSpec
    plan: TrainPlan
    outcome: TrainOutcome | None
    float_curve: list[dict[str, float]] | None
    float_images_per_s: float
    per_image: PerImage | None
    stopped: bool

    def json(self) -> dict[str, Any]:
        """Plain data under schema "lls-hw/train/1"; accuracies in percent."""
        from lls_hw.files import package_version

        done, price = self.outcome, self.per_image
        data: dict[str, Any] = {
            "schema": TRAIN_SCHEMA,
            "version": package_version(),
            "inputs": {**self.run.model_dump(mode="json"), "training": self.plan.json()},
            "curve": list(done.curve) if done else [],
            "images_per_s": done.images_per_s if done else self.float_images_per_s,
            "energy_uj_per_image": price.energy_uj if price else None,
            "cycles_per_image": price.cycles if price else None,
            "stopped": self.stopped,
            "tensors": list(done.tensors) if done else [],
        }
        if self.float_curve is not None:
            data |= {"float_curve": self.float_curve, "float_images_per_s": self.float_images_per_s}
        return data


def train_report(
    run: RunSpec,
    images: Images,
    plan: TrainPlan,
    *,
    with_float: bool,
    progress: StepProgress = lambda _text, _done, _total: None,
    stop: Callable[[], bool] = lambda: False,
    announce: Callable[[Images], None] = lambda _: None,
) -> TrainReport:
    """Costs first (a chip that cannot run the step is refused before hours of training), then training.

    `announce` is called with the pictures that are trained and tested on, before anything is.

    Raises
    ------
    SpecError : anything the user can repair; a rule without an integer form unless `with_float`.
    """
    program = lower_run(run)
    refusal = integer_refusal(program)
    if refusal is not None and not with_float:
        raise refusal
    images = limited(run, images, plan, progress=progress, stop=stop)
    announce(images)
    per_image = outcome = None
    if refusal is None:
        per_image = price_of_image(run, program) if run.costs else None
        outcome = train(run, program, images, plan, progress=progress, stop=stop)
    stopped = outcome is not None and outcome.stopped
    curve, rate = None, 0.0
    if with_float and not stopped:
        curve, rate, stopped = train_float(run, images, plan, progress=progress, stop=stop)
    return TrainReport(
        run=run,
        plan=plan,
        outcome=outcome,
        float_curve=curve,
        float_images_per_s=rate,
        per_image=per_image,
        stopped=stopped,
    )


def price_of_image(run: RunSpec, program: Program) -> PerImage:
    """Energy and cycles of one update, over its images."""
    from lls_hw.costs.step import run_costs

    costs = run_costs(run, program)
    images = run.batch * run.accumulate
    return PerImage(energy_uj=costs.energy.to_uj()["total"] / images, cycles=costs.events.cycles / images)


def curve_table(report: TrainReport) -> "Table":
    """One row an epoch."""
    from rich.table import Table

    title = f"{report.run.network.name}, {report.run.rule.name}, {report.run.precision.label()}, {report.run.data}"
    table = Table(title=title, title_justify="left")
    for heading in ("epoch", "loss", "test %", "float loss", "float test %", "saturated", "updates lost %"):
        table.add_column(heading, justify="right")
    ours = {int(row["epoch"]): row for row in (report.outcome.curve if report.outcome else ())}
    theirs = {int(row["epoch"]): row for row in report.float_curve or ()}
    for epoch in sorted({*ours, *theirs}):
        table.add_row(str(epoch), *_numbers(ours.get(epoch)), *_numbers(theirs.get(epoch)), *_counts(ours.get(epoch)))
    return table


def _numbers(row: dict[str, Any] | None) -> tuple[str, str]:
    return ("", "") if row is None else (f"{row['loss']:.4f}", f"{row['test_accuracy']:.2f}")


def _counts(row: dict[str, Any] | None) -> tuple[str, str]:
    return ("", "") if row is None else (str(row["saturated"]), f"{100 * row['lost_update_fraction']:.2f}")


def closing_text(report: TrainReport) -> str:
    """Speed, price, and what to do after a stop."""
    lines = []
    done = report.outcome
    if done is not None and done.images_per_s:
        lines.append(f"{done.images_per_s:.0f} images/s in integers")
    if report.float_images_per_s:
        lines.append(f"{report.float_images_per_s:.0f} images/s in real numbers")
    if report.per_image is not None:
        lines.append(f"{report.per_image.energy_uj:.4g} uJ and {report.per_image.cycles:.4g} cycles per image")
    if report.stopped:
        where = f" after step {done.step} of {done.steps}" if done is not None else ""
        kept = "the same command continues" if report.plan.checkpoint else "nothing was kept (no --checkpoint)"
        lines.append(f"stopped{where}; {kept}")
    return "; ".join(lines)
