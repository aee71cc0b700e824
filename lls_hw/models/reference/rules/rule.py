"""A rule in real numbers: what it adds to the objective, and what it multiplies by its own count."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from lls_hw.models.rules.registry import find_rule
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.imported import import_attribute
from lls_hw.models.spec.rule import RuleSpec

if TYPE_CHECKING:
    from torch import Tensor

    from lls_hw.models.reference.network import Reference, Tape

Term = Callable[["Reference", WeightedLayer, "Tape", "Tensor"], "Tensor"]
Macs = Callable[[Sequence[WeightedLayer], RuleSpec, int], int]


def _none(layers: Sequence[WeightedLayer], rule: RuleSpec, classes: int) -> int:
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class FloatRule:
    """The float reference of a rule; its `Rule` names it by ``module:attr``.

    Attributes
    ----------
    term : what a block adds to the objective, from the reference, the block's last layer, the tape so far and the
        labels; its gradient is the block's learning signal. None: blocks are not cut off from each other, and all
        learn from the classifier's loss.
    signal_macs : learning signal of one sample, from the network's weighted layers, the rule's constants and the
        classes, by the conventions of `accounting`.
    state_gradient_macs : weight gradients of what the rule itself trains, as far as they are no learning signal.
    holds_all_maps : whether every activation waits for the loss.
    golden : short name of our state by the name of the published implementation's array.
    """

    term: Term | None
    signal_macs: Macs = _none
    state_gradient_macs: Macs = _none
    holds_all_maps: bool = False
    golden: Mapping[str, str] = field(default_factory=dict)


@cache
def float_rule(rule: RuleSpec) -> FloatRule:
    """The float reference of a rule.

    Raises
    ------
    SpecError : there is no such rule, or its record names no `FloatRule`.
    """
    return import_attribute(f"reference of rule {rule.name}", find_rule(rule.name).reference, FloatRule)


def with_local_loss(layers: Sequence[WeightedLayer]) -> list[WeightedLayer]:
    """The layers at whose output a block has its own loss."""
    return [layer for layer in layers if layer.local is not None]


def latent_values(layers: Sequence[WeightedLayer]) -> int:
    """n of all local losses together."""
    return sum(layer.local.latents(layer.out_c) for layer in layers if layer.local is not None)
