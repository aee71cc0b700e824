"""The LLS family in real numbers: pooled latent, projection on fixed vectors, modulation, cross-entropy."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from lls_hw.models.reference.local_loss import fitted, loss_term
from lls_hw.models.reference.network import Reference, Tape
from lls_hw.models.reference.rules.rule import FloatRule, latent_values, with_local_loss
from lls_hw.models.rules.registry import find_rule
from lls_hw.models.rules.rule import LatentLoss
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.rule import RuleSpec


def _latent_loss(rule: RuleSpec) -> LatentLoss:
    loss = find_rule(rule.name).latent
    if loss is None:
        raise AssertionError(f"rule {rule.name} projects no latent")
    return loss


def _term(reference: Reference, layer: WeightedLayer, tape: Tape, labels: Tensor) -> Tensor:
    """The cross-entropy of the block's projected latent."""
    state, basis, rule = reference.state(layer), reference.bases.get(layer.name), reference.rule
    return loss_term(reference, layer, tape, labels, lambda z: signal_logits(rule, z, state, basis))


def normalised(z: Tensor) -> Tensor:
    """z / |z| per sample; a latent of zeros stays zero and receives no gradient."""
    square = (z * z).sum(1, keepdim=True)
    live = square > 0
    return z * torch.where(live, torch.where(live, square, 1.0).rsqrt(), 0.0)


def signal_logits(rule: RuleSpec, z: Tensor, state: Mapping[str, Tensor], basis: Tensor | None) -> Tensor:
    """Local logits over the temperature, (N, classes).

    With the latent's direction z' = z / |z|, basis B (rows, n) and temperature T:

        LLS             s_c = z' . B_c / T
        LLS-M           s_c = m_c (z' . B_c) / T
        LLS-MxM         s_j = sum_c (z' . B_c) M[c, j] / T     (also with the reduced basis)
        ..._Random      the same with a fixed random projection in B's place and z in z' place

    Source: arXiv 2405.15868, section 3; docs/design.md, the local error in integers.
    """
    loss = _latent_loss(rule)
    if not loss.normalised:
        projected = z @ fitted(state["projection"], z.shape[1]).T
    elif basis is not None:
        projected = normalised(z) @ basis.T
    else:
        raise AssertionError(f"rule {rule.name} needs a basis")
    return modulated(loss, projected, state) / rule.temperature


def modulated(loss: LatentLoss, projected: Tensor, state: Mapping[str, Tensor]) -> Tensor:
    """Apply the trained modulation: none, one factor a row, or a (rows, classes) matrix."""
    if loss.modulation == "vector":
        return projected * state["modulation"]
    if loss.modulation == "matrix":
        return projected @ state["modulation"]
    return projected


def _signal_macs(layers: Sequence[WeightedLayer], rule: RuleSpec, classes: int) -> int:
    """Projection and back-projection of n latents; three products per modulation entry."""
    loss = _latent_loss(rule)
    rows = rule.reduced_rows if loss.reduced else classes
    entries = {"none": 0, "vector": rows, "matrix": rows * classes}[loss.modulation]
    return 2 * rows * latent_values(layers) + 3 * entries * len(with_local_loss(layers))


_GOLDEN = {"feedback": "modulation", "modulation": "modulation"}
PERIODIC = FloatRule(term=_term, signal_macs=_signal_macs, golden=_GOLDEN)
RANDOM = FloatRule(term=_term, signal_macs=_signal_macs, golden=_GOLDEN | {"feedback": "projection"})
