"""Direct feedback in real numbers: a block's term is sum(h . delta) with delta held constant, so dterm/dh = delta."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from lls_hw.models.program.names import tensor_name
from lls_hw.models.reference.network import Reference, Tape
from lls_hw.models.reference.rules.rule import FloatRule, with_local_loss
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.rule import RuleSpec

_GOLDEN = {"fixed_fb_weights": "feedback"}


def _from_error(reference: Reference, layer: WeightedLayer, tape: Tape, labels: Tensor) -> Tensor:
    """DFA (Noekland 2016): delta = (softmax(y) - onehot) B, not divided by the batch."""
    logits = tape.logits.detach()
    return _injected(reference, layer, tape, logits.softmax(1) - _one_hot(logits, labels))


def _from_target(reference: Reference, layer: WeightedLayer, tape: Tape, labels: Tensor) -> Tensor:
    """DRTP (Frenkel et al. 2021): the target stands in for the sign of the error onehot - y, so delta = -onehot B.

    Nothing waits for the forward pass.
    """
    return _injected(reference, layer, tape, -_one_hot(tape.logits.detach(), labels))


def _one_hot(logits: Tensor, labels: Tensor) -> Tensor:
    return functional.one_hot(labels, logits.shape[1]).to(logits.dtype)


def _injected(reference: Reference, layer: WeightedLayer, tape: Tape, error: Tensor) -> Tensor:
    h, feedback = tape.tensors[tensor_name(layer.name, "h")], reference.state(layer)["feedback"]
    delta: Tensor = torch.tensordot(error, feedback, dims=1)
    return (h * delta).sum()


def _feedback_macs(layers: Sequence[WeightedLayer], rule: RuleSpec, classes: int) -> int:
    """classes x outputs of every block; a one-hot target would select a row instead."""
    return sum(classes * layer.positions * layer.out_c for layer in with_local_loss(layers))


DFA = FloatRule(term=_from_error, signal_macs=_feedback_macs, holds_all_maps=True, golden=_GOLDEN)
DRTP = FloatRule(term=_from_target, golden=_GOLDEN)
