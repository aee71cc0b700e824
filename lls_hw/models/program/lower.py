"""`lower`: a network, a rule, a precision and a batch become one program."""

from lls_hw.models.program.builder import Builder
from lls_hw.models.program.program import Program
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
) -> Program:
    """One training step (or inference) of `network` under `rule`, as typed ops.

    Raises
    ------
    SpecError : there is no such rule, the batch is below 1, or a user's rule fails or appends ops that cannot be.

    Examples
    --------
    >>> from lls_hw.models.registry import load_network
    >>> from lls_hw.models.rules.registry import parse_rule
    >>> program = lower(load_network("smallconv"), parse_rule("lls"), batch=4)
    >>> program.ops[0].kind, program.ops[0].macs
    ('Gemm', 903168)
    """
    if batch < 1:
        raise SpecError("--batch", batch, "a step has at least one image", "Use 1 or more.")
    builder = Builder(network, rule, precision or Precision(), optimizer or OptimizerSpec(), batch)
    with author_of(rule.name, "lowering"):
        find_rule(rule.name).lower(builder)
        return builder.program()
