"""Inference and backpropagation: the forward pass, and the exact gradient back through the whole network."""

from lls_hw.models.program.backward import classifier_loss, input_gradient, norm_backward, pool_backward
from lls_hw.models.program.builder import Builder
from lls_hw.models.rules.rule import Rule
from lls_hw.models.spec.geometry import Layer, PoolLayer, WeightedLayer
from lls_hw.models.spec.resolve import resolve

_REFERENCE = "lls_hw.models.reference.rules.backprop"


def lower_inference(b: Builder) -> None:
    """Forward only, with BatchNorm's running statistics."""
    lower_forward(b, resolve(b.network), training=False)


def lower_bp(b: Builder) -> None:
    """Forward to the loss, then backward layer by layer; every map waits for its gradient."""
    layers = resolve(b.network)
    sources = lower_forward(b, layers)
    classifier = layers[-1]
    assert isinstance(classifier, WeightedLayer)
    delta = classifier_loss(b, classifier, sources[-1])
    for index in range(len(layers) - 1, -1, -1):
        delta = _backward(b, layers, index, sources[index], delta)


def lower_forward(b: Builder, layers: tuple[Layer, ...], *, training: bool = True) -> list[str]:
    """All forward ops; returns each layer's input, and the logits last."""
    sources = [b.images()]
    for layer in layers:
        sources.append(b.forward(layer, sources[-1], training=training))
    return sources


def _backward(b: Builder, layers: tuple[Layer, ...], index: int, source: str, delta: str) -> str:
    """Backward of one layer; returns the error at the output of the layer before."""
    layer, into = layers[index], layers[index - 1] if index > 0 else None
    if isinstance(layer, PoolLayer):
        return delta if into is None else pool_backward(b, layer, into)
    error = delta
    if layer.batch_norm:
        error = norm_backward(b, layer, delta, spread=None, stage="input_grad")
    b.weight_gradient(layer, source, error)
    if into is not None:
        delta = input_gradient(b, layer, error, into)
    b.update_layer(layer)
    return delta


INFERENCE = Rule(
    name="inference",
    note="no learning (baseline for the learning overhead)",
    lower=lower_inference,
    reference=f"{_REFERENCE}:INFERENCE",
    learns=False,
    colour="grey",
)
BP = Rule(
    name="bp",
    note="backpropagation: exact gradient through the whole network",
    lower=lower_bp,
    reference=f"{_REFERENCE}:BP",
    signal_stages=("input_grad",),
    colour="ink",
)
