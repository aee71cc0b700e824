"""A run's learning rule and optimiser by name, with their constants; `models.rules` says what a name means."""

from fractions import Fraction
from typing import Literal

from pydantic import Field

from lls_hw.models.spec.base import Spec
from lls_hw.models.spec.quantities import RATE, SHARE, TEMPERATURE

Waveform = Literal["square", "cosine"]
OptimizerName = Literal["sgd", "momentum", "adam", "schedulefree_adamw", "schedulefree_sgd"]
Modulation = Literal["none", "vector", "matrix"]


class RuleSpec(Spec):
    """A rule's name and the constants of its local loss (arXiv 2405.15868, section 3).

    `name` is that of a registered rule, or `module:attr` of one in importable Python.
    `temperature` divides the logits; `label_smoothing` mixes the one-hot target with the
    uniform one; `waveform` shapes the basis ("cosine" is a sine, named as the literature does);
    `reduced_rows` is the number of basis vectors of a rule with a reduced set.
    """

    name: str = Field(min_length=1)
    temperature: float = Field(default=0.5, **TEMPERATURE.bounds)
    waveform: Waveform = "square"
    label_smoothing: float = Field(default=0.0, **SHARE.bounds)
    reduced_rows: int = Field(default=20, ge=1)


class OptimizerSpec(Spec):
    """Update rule: v <- momentum v + g; w <- w - learning_rate v (PyTorch's SGD), or another by PyTorch's name."""

    name: OptimizerName = "momentum"
    learning_rate: float = Field(default=0.05, **RATE.bounds)
    momentum: float = Field(default=0.9, **SHARE.bounds)

    @property
    def uses_momentum(self) -> bool:
        """Whether a momentum buffer is kept."""
        return self.name == "momentum" and self.momentum > 0

    @property
    def adapts(self) -> bool:
        """Whether each weight's step is divided by the root of its own second moment."""
        return self.name == "adam"

    @property
    def first_decay(self) -> Fraction:
        """Decay of the first moment: the momentum, and PyTorch's default under Adam."""
        return Fraction(9, 10) if self.adapts else Fraction(str(self.momentum))
