"""`lower`: a network, a rule, a precision and a batch become one program."""

from collections.abc import Callable

from lls_hw.models.program.builder import Builder
from lls_hw.models.program.program import Program
from lls_hw.models.rules.backprop import lower_bp, lower_inference
from lls_hw.models.rules.feedback import lower_feedback
from lls_hw.models.rules.lls import lower_local
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.rule import OptimizerSpec, RuleSpec

LOWERINGS: dict[str, Callable[[Builder], Program]] = {
    "inference": lower_inference,
    "bp": lower_bp,
    "lls": lower_local,
    "lls_m": lower_local,
    "lls_mxm": lower_local,
    "lls_mxm_reduced": lower_local,
    "lls_random": lower_local,
    "lls_m_random": lower_local,
    "lls_mxm_random": lower_local,
    "local_losses": lower_local,
    "dfa": lower_feedback,
    "drtp": lower_feedback,
}


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
    SpecError : the rule has no lowering yet, or the batch is below 1.

    Examples
    --------
    >>> from lls_hw.models.registry import load_network
    >>> from lls_hw.models.spec.rule import parse_rule
    >>> program = lower(load_network("smallconv"), parse_rule("lls"), batch=4)
    >>> program.ops[0].kind, program.ops[0].macs
    ('Gemm', 903168)
    """
    if batch < 1:
        raise SpecError("--batch", batch, "a step has at least one image", "Use 1 or more.")
    if rule.name not in LOWERINGS:
        raise SpecError("--rule", rule.name, "it has no lowering yet", f"Use one of {', '.join(LOWERINGS)}.")
    builder = Builder(network, rule, precision or Precision(), optimizer or OptimizerSpec(), batch)
    return LOWERINGS[rule.name](builder)
