"""A network under a rule in real numbers: forward with a tape, one scalar whose gradient is the rule's step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from lls_hw.models.program.names import split_name, tensor_name
from lls_hw.models.reference import layers as ops
from lls_hw.models.reference.local_loss import cross_entropy
from lls_hw.models.reference.rules.rule import float_rule
from lls_hw.models.rules.registry import author_of
from lls_hw.models.spec.geometry import Layer, PoolLayer, WeightedLayer
from lls_hw.models.spec.rule import RuleSpec


@dataclass(slots=True)
class Tape:
    """Tensors and losses of one forward pass.

    tensors : every named tensor, in the order made, PyTorch layout.
    losses : local loss per layer name, and ``classifier``.
    objective : the scalar whose gradient is the rule's learning signal.
    """

    tensors: dict[str, Tensor] = field(default_factory=dict)
    losses: dict[str, Tensor] = field(default_factory=dict)
    objective: Tensor | None = None

    @property
    def logits(self) -> Tensor:
        """The classifier's output (N, classes)."""
        return self.tensors["classifier/logits"]


@dataclass(slots=True, kw_only=True)
class Reference:
    """A network's resolved layers with tensors in PyTorch layout; the state of one training run.

    Parameters
    ----------
    layers : from `resolve`, or any run of `WeightedLayer` and `PoolLayer`.
    parameters : ``layer/short`` to tensor; those that `requires_grad` are trained.
    bases : basis per layer with a local loss, (rows, n); unused by rules without one.
    buffers : running statistics of BatchNorm, filled as needed.
    bn_momentum : share of the batch in a running statistic.
    dropout : share of a block's outputs set to zero in training, after the activation, before the loss.
    """

    layers: Sequence[Layer]
    rule: RuleSpec
    parameters: dict[str, Tensor]
    bases: Mapping[str, Tensor] = field(default_factory=dict)
    buffers: dict[str, Tensor] = field(default_factory=dict)
    dropout: float = 0.0
    bn_momentum: float = ops.BN_MOMENTUM

    @property
    def is_local(self) -> bool:
        """Whether blocks are cut off from each other, each with a term of its own."""
        return float_rule(self.rule).term is not None

    def state(self, layer: WeightedLayer) -> dict[str, Tensor]:
        """A layer's parameters by short name."""
        named = [(split_name(name), value) for name, value in self.parameters.items()]
        return {short: value for (owner, short), value in named if owner == layer.name}

    def trained(self) -> dict[str, Tensor]:
        """The parameters that the rule updates."""
        return {name: value for name, value in self.parameters.items() if value.requires_grad}

    def forward(self, x: Tensor, *, training: bool) -> Tape:
        """Run every layer on a batch (N, C, H, W), or (N, features), without any loss."""
        tape = Tape()
        cut, is_local = False, self.is_local
        for layer in self.layers:
            if isinstance(layer, PoolLayer):
                x = tape.tensors[tensor_name(layer.name, "h")] = ops.pooled(layer, x)
            else:
                x = self._weighted(layer, x.detach() if cut and is_local else x, tape, training=training)
                cut = layer.local is not None
        return tape

    def _weighted(self, layer: WeightedLayer, x: Tensor, tape: Tape, *, training: bool) -> Tensor:
        """One weighted layer; its outputs go on the tape."""
        state = self.state(layer)
        y = ops.weighted(layer, x, state)
        if layer.kind == "classifier":
            tape.tensors["classifier/logits"] = y
            return y
        h = ops.activated(layer, y, state, self.buffers, training=training, momentum=self.bn_momentum)
        if self.dropout and layer.local is not None:
            h = functional.dropout(h, self.dropout, training)
        tape.tensors[tensor_name(layer.name, "y")], tape.tensors[tensor_name(layer.name, "h")] = y, h
        return h

    def learn(self, x: Tensor, labels: Tensor) -> Tape:
        """Training forward, local losses, and the objective of the rule; no gradient is taken yet.

        Under a local rule the objective is the sum of all local losses and of the classifier's
        cross-entropy: as blocks are cut off from each other, its gradient for a block is that of the
        block's own loss. Under DFA and DRTP a block's term is sum(h . delta) with the signal delta
        held constant, so that dObjective/dh = delta.
        """
        tape, term = self.forward(x, training=True), float_rule(self.rule).term
        with author_of(self.rule.name, "float term"):
            terms = [
                term(self, layer, tape, labels)
                for layer in self.layers
                if isinstance(layer, WeightedLayer) and layer.local is not None and term is not None
            ]
        if "classifier/logits" in tape.tensors:
            tape.losses["classifier"] = cross_entropy(tape.logits, labels, self.rule.label_smoothing)
            terms.append(tape.losses["classifier"])
        tape.objective = torch.stack(terms).sum()
        return tape
