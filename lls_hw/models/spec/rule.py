"""Learning rules and optimisers, as descriptions: what is learnt from, and with which constants."""

from typing import Literal

from pydantic import Field

from lls_hw.models.spec.base import Spec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.quantities import RATE, SHARE, TEMPERATURE

RuleName = Literal[
    "inference",
    "bp",
    "lls",
    "lls_m",
    "lls_mxm",
    "lls_mxm_reduced",
    "lls_random",
    "lls_m_random",
    "lls_mxm_random",
    "local_losses",
    "dfa",
    "drtp",
]
Waveform = Literal["square", "cosine"]
Modulation = Literal["none", "vector", "matrix"]

RULE_NOTES: dict[str, str] = {
    "inference": "no learning (baseline for the learning overhead)",
    "bp": "backpropagation: exact gradient through the whole network",
    "lls": "local learning by synchronisation with a fixed periodic basis",
    "lls_m": "LLS with one trained modulation per class",
    "lls_mxm": "LLS with a trained classes x classes modulation",
    "lls_mxm_reduced": "LLS-MxM on a reduced set of basis vectors",
    "lls_random": "LLS with a fixed random projection instead of the basis",
    "lls_m_random": "LLS-M with a fixed random projection",
    "lls_mxm_random": "LLS-MxM with a fixed random projection",
    "local_losses": "a trained linear classifier per block",
    "dfa": "direct feedback alignment: fixed random feedback of the output error",
    "drtp": "direct random target projection: fixed random feedback of the target",
}
LLS_FAMILY = ("lls", "lls_m", "lls_mxm", "lls_mxm_reduced", "lls_random", "lls_m_random", "lls_mxm_random")


class RuleSpec(Spec):
    """A rule and the constants of its local loss (arXiv 2405.15868, section 3).

    `temperature` divides the logits; `label_smoothing` mixes the one-hot target with the
    uniform one; `waveform` shapes the basis ("cosine" is a sine, named as the literature does);
    `reduced_rows` is the number of basis vectors of `lls_mxm_reduced`.
    """

    name: RuleName
    temperature: float = Field(default=0.5, **TEMPERATURE.bounds)
    waveform: Waveform = "square"
    label_smoothing: float = Field(default=0.0, **SHARE.bounds)
    reduced_rows: int = Field(default=20, ge=1)

    @property
    def is_lls(self) -> bool:
        """Whether blocks learn from a projection of their latent onto fixed vectors."""
        return self.name in LLS_FAMILY

    @property
    def modulation(self) -> Modulation:
        """Shape class of the trained modulation."""
        if "mxm" in self.name:
            return "matrix"
        return "vector" if self.name.startswith("lls_m") else "none"

    @property
    def random_projection(self) -> bool:
        """Whether the fixed vectors are random (then latents are not normalised)."""
        return self.name.endswith("_random")

    def basis_rows(self, classes: int) -> int:
        """Rows of the basis: classes, or the reduced set."""
        return self.reduced_rows if self.name == "lls_mxm_reduced" else classes


class OptimizerSpec(Spec):
    """Update rule: v <- momentum v + g; w <- w - learning_rate v (PyTorch's SGD)."""

    name: Literal["sgd", "momentum", "adam", "schedulefree_adamw", "schedulefree_sgd"] = "momentum"
    learning_rate: float = Field(default=0.05, **RATE.bounds)
    momentum: float = Field(default=0.9, **SHARE.bounds)

    @property
    def uses_momentum(self) -> bool:
        """Whether a momentum buffer is kept."""
        return self.name == "momentum" and self.momentum > 0


def parse_rule(name: str, **constants: object) -> RuleSpec:
    """A rule by name.

    Raises
    ------
    SpecError : unknown rule, or a constant outside its range.

    Examples
    --------
    >>> parse_rule("lls_mxm").modulation
    'matrix'
    """
    if name not in RULE_NOTES:
        raise SpecError("--rule", name, f"the rules are {', '.join(RULE_NOTES)}", "Choose one of them.")
    return RuleSpec.from_mapping({"name": name, **constants}, "rule")
