"""Inference and backpropagation in real numbers: no block has a term of its own."""

from collections.abc import Sequence

from lls_hw.models.reference.rules.rule import FloatRule
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.rule import RuleSpec


def _input_gradients(layers: Sequence[WeightedLayer], rule: RuleSpec, classes: int) -> int:
    """The input-gradient products of every layer but the first."""
    return sum(layer.forward_macs for layer in layers[1:])


INFERENCE = FloatRule(term=None)
BP = FloatRule(term=None, signal_macs=_input_gradients, holds_all_maps=True)
