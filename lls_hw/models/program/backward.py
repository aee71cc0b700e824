"""Pieces of the backward pass that more than one rule needs."""

from typing import Any

from lls_hw.models.program.builder import Builder
from lls_hw.models.program.names import tensor_name
from lls_hw.models.program.ops.base import Stage
from lls_hw.models.program.ops.group_norm import GroupNormBackward, GroupNormSums
from lls_hw.models.program.ops.loss import Loss
from lls_hw.models.program.ops.normalise import BatchNormBackward, FrozenNormBackward
from lls_hw.models.program.ops.pooling import PoolBackward
from lls_hw.models.spec.geometry import Layer, PoolGrid, PoolLayer, WeightedLayer


def norm_backward(
    b: Builder, layer: WeightedLayer, delta: str, *, spread: PoolGrid | None, stage: Stage, means: bool = False
) -> str:
    """Error in front of a layer's norm, and the gradients of gamma and beta; of a frozen norm that of beta.

    A pooled `delta` is spread over the windows of `spread`; it holds window sums, or `means`.
    """
    out = b.delta_y(layer)
    grads: dict[str, Any] = {
        f"{which}_grad": b.gradient(layer.name, which, (layer.out_c,))
        for which in ("gamma", "beta")
        if which not in layer.constants
    }
    at: dict[str, Any] = {
        "layer": layer.name,
        "stage": stage,
        "batch": b.batch,
        "shape": layer,
        "spread": spread,
        "means": means,
        "error": delta,
        "y": b.preactivation(layer),
    }
    parameters: dict[str, Any] = {which: b.parameter(layer.name, which, (layer.out_c,)) for which in ("gamma", "beta")}
    if layer.is_frozen:
        b.add(FrozenNormBackward(**at, **parameters, running=b.running(layer), out=out, **grads))
    elif layer.is_group_normed:
        own: dict[str, Any] = {"stats": b.statistics(layer), "pulls": b.pulls(layer)}
        b.add(GroupNormSums(**at, **parameters, **own, **grads))
        b.add(GroupNormBackward(**at, **parameters, **own, out=out))
    else:
        b.add(BatchNormBackward(**at, stats=b.statistics(layer), out=out, **grads))
    return out


def input_gradient(b: Builder, layer: WeightedLayer, error: str, into: Layer) -> str:
    """Error at the output of the layer before, through this layer's weights."""
    out = b.delta_h(into)
    b.product(layer, "input_grad", error=error, weight=b.weight(layer), out=out)
    return out


def pool_backward(b: Builder, pool: PoolLayer, into: Layer) -> str:
    """Error in front of a pooling."""
    out = b.delta_h(into)
    searches = pool.kind == "max"
    b.add(
        PoolBackward(
            layer=pool.name,
            stage="input_grad",
            batch=b.batch,
            pool=pool,
            error=b.delta_h(pool),
            source=b.activation(into) if searches else None,
            pooled=b.activation(pool) if searches else None,
            out=out,
        )
    )
    return out


def classifier_loss(
    b: Builder, layer: WeightedLayer, logits: str, *, stage: Stage = "loss", temperature: float = 1.0
) -> str:
    """Cross-entropy of a linear classifier, the final one or a block's own: its error and bias gradient."""
    labels = b.labels()
    error = b.tensor(tensor_name(layer.name, "error"), (b.batch, 1, 1, layer.out_c), b.precision.error_bits, "error")
    bias_grad = b.gradient(layer.name, "bias", (layer.out_c,))
    b.add(
        Loss(
            layer=layer.name,
            stage=stage,
            batch=b.batch,
            classes=layer.out_c,
            temperature=temperature,
            logits=logits,
            labels=labels,
            error=error,
            bias_grad=bias_grad,
        )
    )
    return error


def learn_classifier(b: Builder, layer: WeightedLayer, source: str, logits: str) -> str:
    """Loss, weight gradient and update of the final classifier; returns its error."""
    error = classifier_loss(b, layer, logits)
    b.weight_gradient(layer, source, error)
    b.update_layer(layer)
    return error
