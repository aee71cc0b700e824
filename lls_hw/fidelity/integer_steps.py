"""Training steps in integers, the first of them beside the float reference."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from lls_hw.config import RunSpec
from lls_hw.fidelity.against_float import AgainstFloat, compare_step
from lls_hw.fidelity.counts import StepCounts
from lls_hw.fidelity.reference_process import ReferenceProcess
from lls_hw.models.data import Images, batch, normalise
from lls_hw.models.program.program import Program
from lls_hw.models.reference.initial import initial_parameters
from lls_hw.models.rules.registry import find_rule
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.functional.engine import FunctionalEngine, why_not_integers
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.functional.state import initial_values, input_codes

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Numerics:
    """Outcome of the steps in integers.

    Attributes
    ----------
    losses : per update, cross-entropy by layer with a local loss, and `classifier`, from the integer
        likelihoods of its batches before it; inference takes none.
    saturated : codes that did not fit, all steps; `by_tensor` splits them by the op's first output.
    overflows : additions that left an accumulator.
    lost_update_fraction : wanted updates that moved no master code.
    against_float : every tensor of the first batch that the reference has too.
    """

    losses: tuple[dict[str, float], ...]
    saturated: int
    saturated_by_tensor: dict[str, int]
    overflows: int
    lost_update_fraction: float
    against_float: tuple[AgainstFloat, ...]


def start_values(run: RunSpec, program: Program) -> dict[str, Value]:
    """Every kept tensor before the first step."""
    return initial_values(program, initial_parameters(run.network, run.rule, run.seed))


def step_batch(run: RunSpec, images: Images, step: int) -> tuple[Value, NDArray[Any]]:
    """Input codes and labels of one step."""
    pictures, labels = batch(images, run.batch, run.seed, step)
    return input_codes(normalise(pictures, images.mean, images.std), run.precision.activation_bits), labels


def run_numerics(
    run: RunSpec,
    program: Program,
    images: Images,
    progress: Say = lambda _: None,
    *,
    values: Mapping[str, Value] | None = None,
    reference: ReferenceProcess | None = None,
) -> Numerics:
    """`run.steps` updates in integers; their first batch is compared with the reference.

    `values` are the kept tensors to start from, else those of the seed; `reference` may already be
    at work on the first batch.

    Raises
    ------
    SpecError : a batch the network cannot normalise, or a rule without integer execution.
    """
    values = values or start_values(run, program)
    engine = FunctionalEngine(program, dict(values), run.chip, seed=run.seed)
    counts, by_batch = StepCounts(), []
    against: tuple[AgainstFloat, ...] = ()
    batches = run.steps * run.accumulate
    for step in range(batches):
        progress(f"integers, step {step + 1} of {batches}")
        x, labels = step_batch(run, images, step)
        by_batch.append(counts.add(engine.step(x, labels), engine))
        if step == 0:
            progress("float reference")
            after = engine.machine.values
            if reference is not None:
                against = reference.compare({name: after[name] for name in program.tensors if name in after})
            else:
                against = compare_step(run, program, values, x, labels, after=after)
    return Numerics(
        losses=_by_update(by_batch, run.accumulate),
        saturated=sum(counts.saturated.values()),
        saturated_by_tensor=dict(sorted(counts.saturated.items(), key=lambda item: -item[1])),
        overflows=counts.overflows,
        lost_update_fraction=counts.lost_update_fraction,
        against_float=against,
    )


def _by_update(by_batch: list[dict[str, float]], accumulate: int) -> tuple[dict[str, float], ...]:
    """Mean losses of each update's batches."""
    parts = [by_batch[first : first + accumulate] for first in range(0, len(by_batch), accumulate)]
    return tuple({name: sum(batch[name] for batch in part) / len(part) for name in part[0]} for part in parts)


def numerics_json(numerics: Numerics) -> dict[str, Any]:
    """The outcome as plain data; `loss` is the classifier's in the last step, null where nothing is learnt."""
    return {
        "loss": numerics.losses[-1].get("classifier"),
        "losses": list(numerics.losses),
        "saturated": numerics.saturated,
        "saturated_by_tensor": numerics.saturated_by_tensor,
        "accumulator_overflows": numerics.overflows,
        "lost_update_fraction": numerics.lost_update_fraction,
        "against_float": [
            {"tensor": row.tensor, "sqnr_db": row.sqnr_db, "cosine": row.cosine} for row in numerics.against_float
        ],
    }


def integer_refusal(program: Program) -> SpecError | None:
    """The refusal of a step that cannot be trained in integers; None for one that can."""
    name = program.rule.name
    if not find_rule(name).learns:
        return SpecError(
            "--rule", name, "it learns nothing, so that there is no training step to run", "Choose another."
        )
    refusal = why_not_integers(program)
    return None if refusal is None else SpecError(*refusal, "Choose another, or add --float for real numbers.")
