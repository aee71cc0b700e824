"""The local loss of a block: pooled latent, projection on fixed vectors, modulation, cross-entropy."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.rule import RuleSpec


def pooled_latent(layer: WeightedLayer, h: Tensor) -> Tensor:
    """Means of a block's output over its local windows, (N, n) in (channel, row, column) order.

    h is (N, C, H, W), or (N, C) of a linear block whose features are averaged along one axis.
    """
    if layer.local is None:
        raise AssertionError(f"layer {layer.name} has no local loss")
    if layer.local.channels is not None:
        return functional.adaptive_avg_pool1d(h[:, None], len(layer.local.channels))[:, 0]
    size = (len(layer.local.rows), len(layer.local.cols))
    return functional.adaptive_avg_pool2d(h, size).flatten(1)


def normalised(z: Tensor) -> Tensor:
    """z / |z| per sample; a latent of zeros stays zero and receives no gradient."""
    square = (z * z).sum(1, keepdim=True)
    live = square > 0
    return z * torch.where(live, torch.where(live, square, 1.0).rsqrt(), 0.0)


def fitted(projection: Tensor, length: int) -> Tensor:
    """A random projection (rows, columns) averaged along its columns to (rows, length)."""
    if projection.shape[1] == length:
        return projection
    return functional.adaptive_avg_pool1d(projection, length)


def signal_logits(rule: RuleSpec, z: Tensor, state: Mapping[str, Tensor], basis: Tensor | None) -> Tensor:
    """Local logits over the temperature, (N, classes).

    With the latent's direction z' = z / |z|, basis B (rows, n) and temperature T:

        LLS             s_c = z' . B_c / T
        LLS-M           s_c = m_c (z' . B_c) / T
        LLS-MxM         s_j = sum_c (z' . B_c) M[c, j] / T     (also with the reduced basis)
        ..._Random      the same with a fixed random projection in B's place and z in z' place
        local losses    s = (z W^T + b) / T with trained W (and b, where given)

    Source: arXiv 2405.15868, section 3; DESIGN section 5.
    """
    if rule.name == "local_losses":
        weight = fitted(state["local_weight"], z.shape[1])
        return functional.linear(z, weight, state.get("local_bias")) / rule.temperature
    if rule.random_projection:
        projected = z @ fitted(state["projection"], z.shape[1]).T
    elif basis is not None:
        projected = normalised(z) @ basis.T
    else:
        raise AssertionError(f"rule {rule.name} needs a basis")
    return modulated(rule, projected, state) / rule.temperature


def modulated(rule: RuleSpec, projected: Tensor, state: Mapping[str, Tensor]) -> Tensor:
    """Apply the trained modulation: none, one factor a row, or a (rows, classes) matrix."""
    if rule.modulation == "vector":
        return projected * state["modulation"]
    if rule.modulation == "matrix":
        return projected @ state["modulation"]
    return projected


def cross_entropy(logits: Tensor, labels: Tensor, label_smoothing: float) -> Tensor:
    """Mean over the batch of -sum_c q_c log softmax(s)_c, q = (1 - a) onehot + a / classes."""
    return functional.cross_entropy(logits, labels, label_smoothing=label_smoothing)
