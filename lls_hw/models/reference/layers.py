"""Forward of one layer in real numbers: convolution or linear, norm, LeakyReLU, pooling."""

from collections.abc import Mapping, MutableMapping

import torch
from torch import Tensor
from torch.nn import functional

from lls_hw.models.program.names import tensor_name
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.geometry import PoolLayer, WeightedLayer

BN_EPS, BN_MOMENTUM = 1e-5, 0.1
CONSTANT_ULPS = 64
"""Rest that another order of additions leaves of a constant channel, in last places of its largest value.

Of float32 that is 2**-17 of the largest value, where the integers' y of 16 bits has one code as well.
"""


def weighted(layer: WeightedLayer, x: Tensor, state: Mapping[str, Tensor]) -> Tensor:
    """Output before BatchNorm: (N, out, H, W), or (N, out) of a linear layer or the classifier."""
    weight, bias = state["weight"], state.get("bias")
    if layer.kind in {"linear", "classifier"}:
        return functional.linear(x.flatten(1), weight, bias)
    groups = layer.in_c if layer.kind == "depthwise" else 1
    return functional.conv2d(x, weight, bias, layer.stride, layer.padding, groups=groups)


def activated(
    layer: WeightedLayer,
    y: Tensor,
    state: Mapping[str, Tensor],
    buffers: MutableMapping[str, Tensor],
    *,
    training: bool,
    momentum: float = BN_MOMENTUM,
) -> Tensor:
    """LeakyReLU(norm(y)); in training the running statistics in `buffers` move by `momentum`.

    BN(y) = gamma (y - mean) / sqrt(var + 1e-5) + beta per channel; var is the biased one of the
    batch, the running one is unbiased (PyTorch's convention). A frozen norm has the running ones in training, too;
    a group norm has those of each sample and group of channels, always, and no buffers.
    """
    if layer.is_group_normed:
        return _group_normed(layer, y, state)
    training = training and not layer.is_frozen
    per_channel = y.numel() // y.shape[1]
    if training and per_channel < 2:
        raise SpecError(
            "batch",
            y.shape[0],
            f"BatchNorm of layer '{layer.name}' would see a single value per channel",
            "Use a batch of 2 or more.",
        )
    mean, var = _running(layer, y, buffers)
    constant = _constant_channels(y) if training else None
    if constant is not None and constant.any():
        return _activated_beside_constants(layer, y, constant, state, running=(mean, var), momentum=momentum)
    out = functional.batch_norm(y, mean, var, state["gamma"], state["beta"], training, momentum, BN_EPS)
    return functional.leaky_relu(out, layer.negative_slope)


def _constant_channels(y: Tensor) -> Tensor:
    """Channels, shaped to broadcast over y, that hold one value in the whole batch but for rounding."""
    with torch.no_grad():
        axes = [axis for axis in range(y.dim()) if axis != 1]
        spread = y.amax(axes, keepdim=True) - y.amin(axes, keepdim=True)
        return spread <= CONSTANT_ULPS * torch.finfo(y.dtype).eps * y.abs().amax(axes, keepdim=True)


def _activated_beside_constants(
    layer: WeightedLayer,
    y: Tensor,
    constant: Tensor,
    state: Mapping[str, Tensor],
    *,
    running: tuple[Tensor, Tensor],
    momentum: float,
) -> Tensor:
    """The same where channels are constant: these leave exactly beta, as they do in integers.

    What rounding leaves of y - mean there is no signal, and a local loss that divides a latent by its
    length would take it for one. The gradient is that of the formula at variance 0; a pre-activation
    of exactly 0 counts as positive, as in integers.
    """
    mean, var = running
    level, moved = torch.where(constant, y.detach(), 0.0), mean.clone()
    out = functional.batch_norm(y - level, moved, var, state["gamma"], state["beta"], True, momentum, BN_EPS)
    mean.copy_(moved + momentum * level.amax([axis for axis in range(y.dim()) if axis != 1]))
    return torch.where(out >= 0, out, layer.negative_slope * out)


def _group_normed(layer: WeightedLayer, y: Tensor, state: Mapping[str, Tensor]) -> Tensor:
    """LeakyReLU(GroupNorm(y)); a group of one value but for rounding leaves exactly beta, as in integers."""
    groups = y.reshape(1, len(y) * layer.norm_groups, -1)
    constant = _constant_channels(groups)
    if constant.any():
        y = (groups - torch.where(constant, groups.detach(), 0.0)).reshape(y.shape)
    out = functional.group_norm(y, layer.norm_groups, state["gamma"], state["beta"], BN_EPS)
    if constant.any():  # a pre-activation of exactly 0 counts as positive, as in integers
        return torch.where(out >= 0, out, layer.negative_slope * out)
    return functional.leaky_relu(out, layer.negative_slope)


def _running(layer: WeightedLayer, y: Tensor, buffers: MutableMapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Running mean and variance of a layer, made (0 and 1) where they are missing."""
    names = tensor_name(layer.name, "running_mean"), tensor_name(layer.name, "running_var")
    if names[0] not in buffers:
        buffers[names[0]] = torch.zeros(layer.out_c, dtype=y.dtype, device=y.device)
        buffers[names[1]] = torch.ones(layer.out_c, dtype=y.dtype, device=y.device)
    return buffers[names[0]], buffers[names[1]]


def pooled(layer: PoolLayer, x: Tensor) -> Tensor:
    """Non-overlapping maximum, or adaptive average, of a map (N, C, H, W)."""
    if layer.kind == "avg":
        return functional.adaptive_avg_pool2d(x, (layer.out_h, layer.out_w))
    first = layer.grid.rows[0]
    return functional.max_pool2d(x, first[1] - first[0])
