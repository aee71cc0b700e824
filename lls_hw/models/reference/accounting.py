"""Multiply-accumulates and memory of one sample's training step, from shapes alone.

Three counts, never mixed (docs/design.md, what is counted):

- **learning signal**: what tells the weights their error. BP: the input-gradient GEMMs, the classifier's
  included, the first layer's not. LLS family and local losses: projection and back-projection,
  2 rows n per local loss with n the pooled latents, and three times the modulation's entries (forward,
  backward, its own gradient). DFA: classes x outputs per block. DRTP: 0, a one-hot target selects a row.
- **training step**: forward + learning signal + input gradients inside blocks + weight gradients.
- **inference**: forward alone, padding included.
"""

import itertools
import math
from dataclasses import dataclass

from lls_hw.models.reference.rules.rule import float_rule
from lls_hw.models.rules.registry import find_rule
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.resolve import resolve
from lls_hw.models.spec.rule import RuleSpec

CONVENTIONS = {
    "inference": "forward MACs of one sample, padding included",
    "learning_signal": (
        "BP: input-gradient GEMMs, classifier's included, first layer's not; LLS: 2 rows n per local loss"
        " (n pooled latents) plus 3 products per modulation entry; DFA: classes x block outputs; DRTP: none"
    ),
    "block_input_gradient": "input gradients from one weighted layer to the previous one of its block (local rules)",
    "weight_gradient": "as many as the forward MACs, plus rows n of a trained local classifier",
    "training_step": "inference + learning_signal + block_input_gradient + weight_gradient",
}
"""Contents of each count, printed beside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MacCounts:
    """Multiply-accumulates of one sample."""

    inference: int
    learning_signal: int
    block_input_gradient: int
    weight_gradient: int

    @property
    def training_step(self) -> int:
        """Everything that one training step multiplies."""
        return self.inference + self.learning_signal + self.block_input_gradient + self.weight_gradient


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryCounts:
    """Values (numbers, not bytes).

    activations : of one sample, held for the backward pass at the worst moment. A weighted layer holds its
        input and its output before BatchNorm; BP and DFA hold all layers, a local rule one block.
    rule_state : modulation, projection, feedback, local classifiers.
    weights : weights, biases, BatchNorm's gamma and beta.
    """

    activations: int
    rule_state: int
    weights: int


def mac_counts(network: NetworkSpec, rule: RuleSpec) -> MacCounts:
    """MACs of one sample under a rule.

    Examples
    --------
    >>> from lls_hw.models.registry import load_network
    >>> from lls_hw.models.rules.registry import parse_rule
    >>> counts = mac_counts(load_network("mlperf_tiny_vww"), parse_rule("bp"))
    >>> counts.inference, counts.learning_signal
    (7489664, 6992000)
    """
    layers = _weighted(network)
    forward = sum(layer.forward_macs for layer in layers)
    if not find_rule(rule.name).learns:
        return MacCounts(inference=forward, learning_signal=0, block_input_gradient=0, weight_gradient=0)
    own = float_rule(rule)
    between = (after.forward_macs for before, after in itertools.pairwise(layers) if before.local is None)
    return MacCounts(
        inference=forward,
        learning_signal=own.signal_macs(layers, rule, network.classes),
        block_input_gradient=0 if own.term is None else sum(between),
        weight_gradient=forward + own.state_gradient_macs(layers, rule, network.classes),
    )


def memory_counts(network: NetworkSpec, rule: RuleSpec) -> MemoryCounts:
    """Values a training step holds under a rule (inference: nothing but the weights)."""
    layers = _weighted(network)
    blocks: dict[str, int] = {}
    for layer in layers:
        stored = layer.in_h * layer.in_w * layer.in_c + layer.positions * layer.out_c
        blocks[layer.block] = blocks.get(layer.block, 0) + stored
    record = find_rule(rule.name)
    held = (sum if float_rule(rule).holds_all_maps else max)(blocks.values()) if record.learns else 0
    state = sum(
        math.prod(kept.shape(layer, rule, network.classes))
        for layer in layers
        if layer.local is not None
        for kept in record.state
    )
    return MemoryCounts(activations=held, rule_state=state, weights=sum(_weights(layer) for layer in layers))


def _weights(layer: WeightedLayer) -> int:
    """Trained values of one layer apart from the rule's."""
    kernel = layer.fan_in * layer.out_c
    return kernel + layer.out_c * (int(layer.bias) + 2 * int(layer.batch_norm))


def unpooled_signal_macs(network: NetworkSpec, rows: int) -> int:
    """2 rows times all block outputs before any pooling: the likeliest reading of the published "300x"."""
    return 2 * rows * sum(layer.positions * layer.out_c for layer in _weighted(network) if layer.local is not None)


def ratio(numerator: float, denominator: float) -> float | None:
    """numerator / denominator; None where the denominator is zero.

    Examples
    --------
    >>> ratio(3, 2), ratio(3, 0)
    (1.5, None)
    """
    return numerator / denominator if denominator else None


def _weighted(network: NetworkSpec) -> tuple[WeightedLayer, ...]:
    return tuple(layer for layer in resolve(network) if isinstance(layer, WeightedLayer))
