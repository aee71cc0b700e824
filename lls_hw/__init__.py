"""lls-hw: what local learning costs on an edge accelerator, and whether it still learns.

Names are handed on lazily, so that importing a wing or starting the command line stays cheap.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "AcceleratorSpec": "lls_hw.models.spec.accelerator",
    "FloatRule": "lls_hw.models.reference.rules.rule",
    "NetworkSpec": "lls_hw.models.spec.network",
    "OptimizerSpec": "lls_hw.models.spec.rule",
    "Precision": "lls_hw.models.spec.precision",
    "Program": "lls_hw.models.program.program",
    "Rule": "lls_hw.models.rules.rule",
    "RuleSpec": "lls_hw.models.spec.rule",
    "RunSpec": "lls_hw.config",
    "SpecError": "lls_hw.models.spec.errors",
    "lower": "lls_hw.models.program.lower",
    "simulate": "lls_hw.api",
}
__all__ = sorted(_HOMES)  # noqa: PLE0605  (built from the table above)


def __getattr__(name: str) -> Any:  # noqa: ANN401
    if name not in _HOMES:
        raise AttributeError(f"module 'lls_hw' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
