"""Does it learn? One run of the functional engine, beside the float reference."""

import importlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lls_hw.config import RunSpec
from lls_hw.models.data import Images, batch, normalise
from lls_hw.models.program.lower import lower
from lls_hw.models.program.program import Program
from lls_hw.models.reference.initial import initial_parameters, parameter_shapes
from lls_hw.sim.functional.engine import FunctionalEngine
from lls_hw.sim.functional.machine import OpRecord, Value
from lls_hw.sim.functional.state import initial_values, input_codes, real, real_parameter, real_tensor

SQNR_CAP_DB = 200.0
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstFloat:
    """One tensor of the first step beside the reference: signal to error ratio, and angle."""

    tensor: str
    sqnr_db: float
    cosine: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Numerics:
    """What the integers did.

    Attributes
    ----------
    losses : per step, cross-entropy by layer with a local loss, and `classifier`, from the integer
        likelihoods of that step's batch before its update.
    saturated : codes that did not fit, all steps; `by_tensor` splits them by the op's first output.
    overflows : additions that left an accumulator.
    lost_update_fraction : wanted updates that moved no master code.
    against_float : every tensor of step 0 that the reference has too.
    """

    losses: tuple[dict[str, float], ...]
    saturated: int
    saturated_by_tensor: dict[str, int]
    overflows: int
    lost_update_fraction: float
    against_float: tuple[AgainstFloat, ...]


def run_numerics(run: RunSpec, images: Images, progress: Progress = lambda _: None) -> Numerics:
    """`run.steps` training steps in integers; the first is compared with the reference.

    Raises
    ------
    SpecError : a batch the network cannot normalise, or a rule without integer execution.
    """
    program = lower(run.network, run.rule, run.precision, optimizer=run.optimizer, batch=run.batch)
    values = initial_values(program, initial_parameters(run.network, run.rule, run.seed))
    engine = FunctionalEngine(program, values, run.chip, seed=run.seed)
    # the kernels run without the interpreter's lock, so torch can be imported beneath them
    threading.Thread(target=importlib.import_module, args=("lls_hw.models.reference.step",), daemon=True).start()
    tally = _Tally(program)
    against: tuple[AgainstFloat, ...] = ()
    for step in range(run.steps):
        progress(f"integers, step {step + 1} of {run.steps}")
        pictures, labels = batch(images, run.batch, run.seed, step)
        x = input_codes(normalise(pictures, images.mean, images.std), run.precision.activation_bits)
        tally.add(engine.step(x, labels), engine)
        if step == 0:
            progress("float reference")
            against = compare_step(run, program, values, x, labels, engine.machine.values)
    return tally.numerics(against)


class _Tally:
    """Sums over steps."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.losses: list[dict[str, float]] = []
        self.saturated: dict[str, int] = {}
        self.overflows, self.wanted, self.lost = 0, 0, 0

    def add(self, records: list[OpRecord], engine: FunctionalEngine) -> None:
        """One step's records and taps."""
        for record in records:
            name = self.program.ops[record.index].writes[0]
            if record.saturated:
                self.saturated[name] = self.saturated.get(name, 0) + record.saturated
            self.overflows += record.tally.overflows
        self.losses.append(losses(engine))
        for name, tap in engine.machine.taps.items():
            if name.endswith("/updates"):
                self.wanted += int(tap[0])
                self.lost += int(tap[1])

    def numerics(self, against: tuple[AgainstFloat, ...]) -> Numerics:
        """The record."""
        return Numerics(
            losses=tuple(self.losses),
            saturated=sum(self.saturated.values()),
            saturated_by_tensor=dict(sorted(self.saturated.items(), key=lambda item: -item[1])),
            overflows=self.overflows,
            lost_update_fraction=self.lost / max(1, self.wanted),
            against_float=against,
        )


def losses(engine: FunctionalEngine) -> dict[str, float]:
    """Mean -log likelihood of the label per loss, from integer likelihoods with 24 fraction bits.

    A likelihood below the last bit counts as half of it.
    """
    return {
        name.removesuffix("/likelihood"): float(np.mean(-np.log(np.maximum(tap, 0.5) * 2.0**-24)))
        for name, tap in engine.machine.taps.items()
        if name.endswith("/likelihood")
    }


def compare_step(  # noqa: PLR0917  (one step is all of this)
    run: RunSpec, program: Program, before: dict[str, Value], x: Value, labels: NDArray[Any], after: dict[str, Value]
) -> tuple[AgainstFloat, ...]:
    """The step in real numbers from the same grid points (compute copies, input codes)."""
    from lls_hw.models.reference.step import training_step

    reference = training_step(
        run.network,
        run.rule,
        run.optimizer,
        reference_parameters(run, program, before),
        {},
        real(x).astype(np.float32),
        labels,
    )
    rows = []
    for name, expected in reference.tensors.items():
        if name in after:
            rows.append(_against(name, expected, real_tensor(program, name, after[name])))
    return tuple(rows)


def reference_parameters(run: RunSpec, program: Program, values: dict[str, Value]) -> dict[str, NDArray[Any]]:
    """The parameters the chip multiplies with, under the reference's names and in its layout."""
    return {name: real_parameter(program, name, values) for name in parameter_shapes(run.network, run.rule)}


def _against(name: str, expected: NDArray[Any], found: NDArray[Any]) -> AgainstFloat:
    """SQNR = 10 log10(sum r^2 / sum (r - x)^2), capped; cosine of the two tensors."""
    r, x = np.asarray(expected, np.float64).ravel(), found.ravel()
    signal, error = float(r @ r), float(((r - x) ** 2).sum())
    norm = np.sqrt(signal * float(x @ x))
    sqnr = 10 * np.log10(signal / error) if signal > 0 and error > 0 else (SQNR_CAP_DB if error == 0 else -SQNR_CAP_DB)
    cosine = float(r @ x) / norm if norm > 0 else float(error == 0)
    return AgainstFloat(tensor=name, sqnr_db=float(np.clip(sqnr, -SQNR_CAP_DB, SQNR_CAP_DB)), cosine=cosine)
