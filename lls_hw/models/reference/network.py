"""A network under a rule in real numbers: forward with a tape, one scalar whose gradient is the rule's step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from lls_hw.models.reference import layers as ops
from lls_hw.models.reference.local_loss import cross_entropy, pooled_latent, signal_logits
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
        """Whether blocks are cut off from each other (every rule but backpropagation)."""
        return self.rule.name != "bp"

    def state(self, layer: WeightedLayer) -> dict[str, Tensor]:
        """A layer's parameters by short name."""
        start = f"{layer.name}/"
        return {name[len(start) :]: value for name, value in self.parameters.items() if name.startswith(start)}

    def trained(self) -> dict[str, Tensor]:
        """The parameters that the rule updates."""
        return {name: value for name, value in self.parameters.items() if value.requires_grad}

    def forward(self, x: Tensor, *, training: bool) -> Tape:
        """Run every layer on a batch (N, C, H, W), or (N, features), without any loss."""
        tape = Tape()
        cut = False
        for layer in self.layers:
            if isinstance(layer, PoolLayer):
                x = tape.tensors[f"{layer.name}/h"] = ops.pooled(layer, x)
            else:
                x = self._weighted(layer, x.detach() if cut and self.is_local else x, tape, training=training)
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
        tape.tensors[f"{layer.name}/y"], tape.tensors[f"{layer.name}/h"] = y, h
        return h

    def learn(self, x: Tensor, labels: Tensor) -> Tape:
        """Training forward, local losses, and the objective of the rule; no gradient is taken yet.

        Under a local rule the objective is the sum of all local losses and of the classifier's
        cross-entropy: as blocks are cut off from each other, its gradient for a block is that of the
        block's own loss. Under DFA and DRTP a block's term is sum(h . delta) with the signal delta
        held constant, so that dObjective/dh = delta.
        """
        tape = self.forward(x, training=True)
        terms = [
            self._block_term(layer, tape, labels)
            for layer in self.layers
            if isinstance(layer, WeightedLayer) and layer.local is not None and self.is_local
        ]
        if "classifier/logits" in tape.tensors:
            tape.losses["classifier"] = cross_entropy(tape.logits, labels, self.rule.label_smoothing)
            terms.append(tape.losses["classifier"])
        tape.objective = torch.stack(terms).sum()
        return tape

    def _block_term(self, layer: WeightedLayer, tape: Tape, labels: Tensor) -> Tensor:
        """The summand of one block in the objective."""
        h, state = tape.tensors[f"{layer.name}/h"], self.state(layer)
        if self.rule.name in {"dfa", "drtp"}:
            return (h * self._feedback(state["feedback"], tape.logits.detach(), labels)).sum()
        z = tape.tensors[f"{layer.name}/latent"] = pooled_latent(layer, h)
        logits = signal_logits(self.rule, z, state, self.bases.get(layer.name))
        tape.tensors[f"{layer.name}/signal_logits"] = logits
        loss = tape.losses[layer.name] = cross_entropy(logits, labels, self.rule.label_smoothing)
        return loss

    def _feedback(self, feedback: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
        """The signal a block receives, shaped as its output.

        DFA (Noekland 2016): delta = (softmax(y) - onehot) B, not divided by the batch.
        DRTP (Frenkel et al. 2021): the target stands in for the sign of the error onehot - y, so
        delta = -onehot B; nothing waits for the forward pass.
        """
        target = functional.one_hot(labels, logits.shape[1]).to(logits.dtype)
        error = logits.softmax(1) - target if self.rule.name == "dfa" else -target
        delta: Tensor = torch.tensordot(error, feedback, dims=1)
        return delta
