"""The local loss of a block: its pooled latent, and the cross-entropy of the logits that a rule makes of it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from torch import Tensor
from torch.nn import functional

from lls_hw.models.program.names import tensor_name
from lls_hw.models.spec.geometry import WeightedLayer

if TYPE_CHECKING:
    from lls_hw.models.reference.network import Reference, Tape


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


def fitted(projection: Tensor, length: int) -> Tensor:
    """A random projection (rows, columns) averaged along its columns to (rows, length)."""
    if projection.shape[1] == length:
        return projection
    return functional.adaptive_avg_pool1d(projection, length)


def loss_term(
    reference: "Reference", layer: WeightedLayer, tape: "Tape", labels: Tensor, logits: Callable[[Tensor], Tensor]
) -> Tensor:
    """The cross-entropy of a block's local logits, made from its pooled latent; both, and the loss, go on the tape."""
    z = tape.tensors[tensor_name(layer.name, "latent")] = pooled_latent(
        layer, tape.tensors[tensor_name(layer.name, "h")]
    )
    found = tape.tensors[tensor_name(layer.name, "signal_logits")] = logits(z)
    loss = tape.losses[layer.name] = cross_entropy(found, labels, reference.rule.label_smoothing)
    return loss


def cross_entropy(logits: Tensor, labels: Tensor, label_smoothing: float) -> Tensor:
    """Mean over the batch of -sum_c q_c log softmax(s)_c, q = (1 - a) onehot + a / classes."""
    return functional.cross_entropy(logits, labels, label_smoothing=label_smoothing)
