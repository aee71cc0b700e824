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


def batch_norm_backward(
    b: Builder, layer: WeightedLayer, delta: str, *, spread: PoolGrid | None, stage: Stage, means: bool = False
) -> str:
    """Error in front of a layer's BatchNorm, and the gradients of gamma and beta; of a frozen one that of beta.

    A pooled `delta` is spread over the windows of `spread`; it holds window sums, or `means`.
    """
    out = b.delta_y(layer)
    for own, backward in ((layer.is_frozen, _frozen_backward), (layer.is_group_normed, _group_backward)):
        if own:
            backward(b, layer, delta, spread=spread, stage=stage, means=means)
            return out
    gamma_grad, beta_grad = (b.gradient(layer.name, which, (layer.out_c,)) for which in ("gamma", "beta"))
    b.add(
        BatchNormBackward(
            layer=layer.name,
            stage=stage,
            batch=b.batch,
            shape=layer,
            spread=spread,
            means=means,
            error=delta,
            y=b.preactivation(layer),
            stats=b.statistics(layer),
            out=out,
            gamma_grad=gamma_grad,
            beta_grad=beta_grad,
        )
    )
    return out


def _frozen_backward(
    b: Builder, layer: WeightedLayer, delta: str, *, spread: PoolGrid | None, stage: Stage, means: bool
) -> None:
    gamma, beta = (b.parameter(layer.name, which, (layer.out_c,)) for which in ("gamma", "beta"))
    b.add(
        FrozenNormBackward(
            layer=layer.name,
            stage=stage,
            batch=b.batch,
            shape=layer,
            spread=spread,
            means=means,
            error=delta,
            y=b.preactivation(layer),
            gamma=gamma,
            beta=beta,
            running=b.running(layer),
            out=b.delta_y(layer),
            beta_grad=b.gradient(layer.name, "beta", (layer.out_c,)),
        )
    )


def _group_backward(
    b: Builder, layer: WeightedLayer, delta: str, *, spread: PoolGrid | None, stage: Stage, means: bool
) -> None:
    gamma, beta = (b.parameter(layer.name, which, (layer.out_c,)) for which in ("gamma", "beta"))
    gamma_grad, beta_grad = (b.gradient(layer.name, which, (layer.out_c,)) for which in ("gamma", "beta"))
    at: dict[str, Any] = {
        "layer": layer.name,
        "stage": stage,
        "batch": b.batch,
        "shape": layer,
        "spread": spread,
        "means": means,
    }
    maps: dict[str, Any] = {
        "error": delta,
        "y": b.preactivation(layer),
        "stats": b.statistics(layer),
        "gamma": gamma,
        "beta": beta,
    }
    b.add(GroupNormSums(**at, **maps, pulls=b.pulls(layer), gamma_grad=gamma_grad, beta_grad=beta_grad))
    b.add(GroupNormBackward(**at, **maps, pulls=b.pulls(layer), out=b.delta_y(layer)))


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
