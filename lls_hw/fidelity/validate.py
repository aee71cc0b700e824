"""One training step in integers held against the float reference, tensor by tensor.

Both start from the same real parameters and pictures, so that word widths count in full:
what weights and pictures lose when they become codes, and what the arithmetic loses afterwards.
The second alone, from the codes both then share, stands beside it.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from lls_hw.config import RunSpec, lower_run
from lls_hw.fidelity.against_float import AgainstFloat, against, compare_step
from lls_hw.fidelity.integer_steps import integer_refusal
from lls_hw.models.data import Images, batch, normalise
from lls_hw.models.program.names import is_weight_gradient
from lls_hw.models.program.program import Program
from lls_hw.models.reference.initial import initial_parameters
from lls_hw.models.spec.precision import LIMITS_BITS, Precision
from lls_hw.sim.functional.engine import FunctionalEngine
from lls_hw.sim.functional.readback import real_tensor
from lls_hw.sim.functional.state import initial_values, input_codes

VALIDATE_SCHEMA = "lls-hw/validate/1"
WIDE_BITS = {"w": 16, "a": 16, "e": 16, "m": 32, "acc": 48}
HELPS_DB = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorCheck:
    """One tensor of the step. `same_codes_*` leave out what the start lost when it became codes."""

    tensor: str
    bits: int
    cosine: float
    sqnr_db: float
    same_codes_cosine: float
    same_codes_sqnr_db: float
    saturated: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Widening:
    """The worst weight gradient when one role alone is widened (accumulators to 48 bits with it)."""

    role: str
    bits: int
    cosine: float
    sqnr_db: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """A validated step.

    Attributes
    ----------
    checks : every tensor both sides know, lowest cosine first.
    worst : the weight gradient with the lowest cosine.
    widenings : what each wider role makes of it, best first; empty if not asked for.
    guarded : products whose sums might have overflowed: without any, the array's rows changed no bit.
    """

    run: RunSpec
    checks: tuple[TensorCheck, ...]
    worst: TensorCheck
    widenings: tuple[Widening, ...]
    overflows: int
    guarded: int
    min_cosine: float

    @property
    def missed(self) -> tuple[TensorCheck, ...]:
        """Weight gradients below the tolerance."""
        return tuple(c for c in self.checks if is_weight_gradient(c.tensor) and not c.cosine >= self.min_cosine)

    @property
    def limits(self) -> Widening | None:
        """The width whose growth helps the worst weight gradient most, if any by 1 dB or more."""
        best = self.widenings[0] if self.widenings else None
        return best if best is not None and best.sqnr_db >= self.worst.sqnr_db + HELPS_DB else None

    def hint(self) -> str:
        """The width that limits, in one sentence."""
        start = (
            f"worst weight gradient {self.worst.tensor}: cosine {self.worst.cosine:.4f}, {self.worst.sqnr_db:.1f} dB"
        )
        if not self.widenings:
            return start
        if self.limits is None:
            return f"{start}; no single wider role gains {HELPS_DB:.0f} dB"
        best = self.limits
        role = LIMITS_BITS[best.role][0].replace("_", " ")
        return f"{start}; {role} limit it: {best.role}{best.bits} gives cosine {best.cosine:.4f}, {best.sqnr_db:.1f} dB"

    def json(self) -> dict[str, Any]:
        """Plain data under schema "lls-hw/validate/1"."""
        from lls_hw.files import package_version

        return {
            "schema": VALIDATE_SCHEMA,
            "version": package_version(),
            "inputs": self.run.model_dump(mode="json"),
            "tensors": [asdict(check) for check in self.checks],
            "worst_weight_gradient": self.worst.tensor,
            "hint": {
                "text": self.hint(),
                "limits": self.limits.role if self.limits else None,
                "widenings": [asdict(widening) for widening in self.widenings],
            },
            "accumulator_overflows": self.overflows,
            "min_cosine": self.min_cosine,
            "within_tolerance": not self.missed,
        }


def validate(
    run: RunSpec,
    images: Images,
    *,
    min_cosine: float = 0.9,
    with_hint: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> Validation:
    """One step both ways, compared; then again with each role widened in turn.

    Raises
    ------
    SpecError : the rule, optimiser or batch has no integer execution.
    """
    program = lower_run(run)
    refusal = integer_refusal(program)
    if refusal is not None:
        raise refusal
    progress("one step in integers and in real numbers")
    checks, (overflows, guarded) = _checks(run, program, images)
    worst = next(check for check in checks if is_weight_gradient(check.tensor))
    found = []
    for role, bits in WIDE_BITS.items() if with_hint else ():
        wider = widened(run.precision, role)
        if wider != run.precision:
            progress(f"again with {role}{bits}")
            wide = run.model_copy(update={"precision": wider})
            rows, _ = _checks(wide, lower_run(wide), images)
            row = next(check for check in rows if check.tensor == worst.tensor)
            found.append(Widening(role=role, bits=bits, cosine=row.cosine, sqnr_db=row.sqnr_db))
    return Validation(
        run=run,
        checks=checks,
        worst=worst,
        widenings=tuple(sorted(found, key=lambda widening: -widening.sqnr_db)),
        overflows=overflows,
        guarded=guarded,
        min_cosine=min_cosine,
    )


def widened(precision: Precision, role: str) -> Precision:
    """The precision with one role at its widest, and accumulators that cannot be what limits it.

    Examples
    --------
    >>> widened(Precision(), "e").label()
    'w8,a8,e16,m16,acc48'
    """
    key = LIMITS_BITS[role][0]
    if getattr(precision, key) >= WIDE_BITS[role]:
        return precision
    changes = {"accumulator_bits": WIDE_BITS["acc"], key: WIDE_BITS[role]}
    return precision.model_copy(update=changes)


def _checks(run: RunSpec, program: Program, images: Images) -> tuple[tuple[TensorCheck, ...], tuple[int, int]]:
    """Every tensor, lowest cosine first; the numbers of accumulator overflows and of guarded products."""
    from lls_hw.models.reference.step import training_step

    parameters = initial_parameters(run.network, run.rule, run.seed)
    values = initial_values(program, parameters)
    engine = FunctionalEngine(program, values, run.chip, seed=run.seed)
    pictures, labels = batch(images, run.batch, run.seed, 0)
    reals = normalise(pictures, images.mean, images.std)
    x = input_codes(reals, run.precision.activation_bits)
    records = engine.step(x, labels)
    after = engine.machine.values
    shared = {row.tensor: row for row in compare_step(run, program, values, x, labels, after=after)}
    expected = training_step(run.network, run.rule, run.optimizer, parameters, {}, reals, labels).tensors
    lost: dict[str, int] = {}
    for record in records:
        name = program.ops[record.index].result
        lost[name] = lost.get(name, 0) + record.saturated
    rows = [
        _check(
            against(name, expected[name], real_tensor(program, name, after[name])),
            row,
            program.tensors[name].bits,
            lost,
        )
        for name, row in shared.items()
    ]
    tallies = [record.tally for record in records]
    counted = sum(tally.overflows for tally in tallies), sum(tally.guarded for tally in tallies)
    return tuple(sorted(rows, key=lambda row: row.cosine)), counted


def _check(row: AgainstFloat, shared: AgainstFloat, bits: int, saturated: dict[str, int]) -> TensorCheck:
    return TensorCheck(
        tensor=row.tensor,
        bits=bits,
        cosine=row.cosine,
        sqnr_db=row.sqnr_db,
        same_codes_cosine=shared.cosine,
        same_codes_sqnr_db=shared.sqnr_db,
        saturated=saturated.get(row.tensor, 0),
    )
