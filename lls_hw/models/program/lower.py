"""`lower`: a network, a rule, a precision and a batch become one program."""

from dataclasses import replace

from lls_hw.models.program.builder import Builder
from lls_hw.models.program.program import MicroStep, Program
from lls_hw.models.rules.registry import author_of, find_rule
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.rule import OptimizerSpec, RuleSpec


def lower(
    network: NetworkSpec,
    rule: RuleSpec,
    precision: Precision | None = None,
    *,
    optimizer: OptimizerSpec | None = None,
    batch: int = 8,
    accumulate: int = 1,
) -> Program:
    """One training step (or inference) of `network` under `rule`, as typed ops.

    An update from the gradients of `accumulate` batches is that many micro-steps: the program of the last,
    which updates, with those of the others `before` it.

    Raises
    ------
    SpecError : there is no such rule, the batch or `accumulate` is below 1, or a user's rule fails or appends ops that
        cannot be.

    Examples
    --------
    >>> from lls_hw.models.registry import load_network
    >>> from lls_hw.models.rules.registry import parse_rule
    >>> program = lower(load_network("smallconv"), parse_rule("lls"), batch=4)
    >>> program.ops[0].kind, program.ops[0].macs
    ('Gemm', 903168)
    """
    for option, count, need in (
        ("--batch", batch, "a step has at least one image"),
        ("--accumulate", accumulate, "an update needs a batch"),
    ):
        if count < 1:
            raise SpecError(option, count, need, "Use 1 or more.")
    record = find_rule(rule.name)

    def made(micro_step: MicroStep) -> Program:
        optimiser = optimizer or OptimizerSpec()
        builder = Builder(
            network, rule, precision or Precision(), optimiser, batch, micro_step=micro_step, accumulate=accumulate
        )
        with author_of(rule.name, "lowering"):
            record.lower(builder)
            return builder.program()

    if accumulate == 1 or not record.learns:
        only = made("only")
        return only if accumulate == 1 else replace(only, before=((only, accumulate - 1),))
    between = ((made("middle"), accumulate - 2),) if accumulate > 2 else ()
    return replace(made("last"), before=((made("first"), 1), *between))
