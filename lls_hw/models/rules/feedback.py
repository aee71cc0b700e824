"""Lowering of direct feedback: DFA's fixed random feedback of the error, DRTP's of the target."""

from dataclasses import replace

from lls_hw.models.program.backward import batch_norm_backward, input_gradient, learn_classifier
from lls_hw.models.program.builder import Builder
from lls_hw.models.program.ops import Stage, TargetProject
from lls_hw.models.program.program import Program
from lls_hw.models.rules.backprop import lower_forward
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.resolve import resolve


def lower_feedback(b: Builder) -> Program:
    """Forward to the loss; then every block's error comes straight from the output or the label.

    Unlike backpropagation no block waits for the one behind it, but under DFA all wait for the
    loss. DRTP needs only the labels; its blocks could learn during the forward pass, which this
    lowering does: their maps die at once, as under LLS.
    """
    return _lower_drtp(b) if b.rule.name == "drtp" else _lower_dfa(b)


def _blocks(b: Builder) -> list[tuple[int, list[WeightedLayer]]]:
    """Weighted layers up to each point where an error is injected, with the first one's position."""
    groups: list[tuple[int, list[WeightedLayer]]] = []
    pending: list[WeightedLayer] = []
    for index, layer in enumerate(resolve(b.network)):
        if isinstance(layer, WeightedLayer) and layer.kind != "classifier":
            pending.append(layer)
            if layer.local is not None:
                groups.append((index - len(pending) + 1, pending))
                pending = []
    return groups


def _lower_dfa(b: Builder) -> Program:
    layers = resolve(b.network)
    sources = lower_forward(b, layers)
    classifier = layers[-1]
    assert isinstance(classifier, WeightedLayer)
    error = learn_classifier(b, classifier, sources[-2], sources[-1])
    for first, block in reversed(_blocks(b)):
        _learn(b, block, sources[first : first + len(block)], _inject_error(b, block[-1], error))
    return b.program()


def _lower_drtp(b: Builder) -> Program:
    layers = resolve(b.network)
    sources = [b.images()]
    ends = {block[-1].name: (first, block) for first, block in _blocks(b)}
    for layer in layers:
        sources.append(b.forward(layer, sources[-1]))
        if layer.name in ends:
            first, block = ends[layer.name]
            _learn(b, block, sources[first : first + len(block)], _inject_target(b, block[-1]))
    classifier = layers[-1]
    assert isinstance(classifier, WeightedLayer)
    learn_classifier(b, classifier, sources[-2], sources[-1])
    return b.program()


def _feedback(b: Builder, layer: WeightedLayer) -> str:
    shape = (b.network.classes, layer.out_h, layer.out_w, layer.out_c)
    return b.tensor(f"{layer.name}/feedback", shape, b.precision.weight_bits, "projection", kept=True)


def _inject_error(b: Builder, layer: WeightedLayer, error: str) -> str:
    """delta_h = error @ feedback: the input gradient of an imagined classifier on this map."""
    out = b.delta_h(layer)
    imagined = replace(
        layer,
        kind="classifier",
        in_h=layer.out_h,
        in_w=layer.out_w,
        in_c=layer.out_c,
        out_h=1,
        out_w=1,
        out_c=b.network.classes,
        kernel_h=layer.out_h,
        kernel_w=layer.out_w,
        stride=1,
        padding=0,
        batch_norm=False,
    )
    b.product(imagined, "local_error", error=error, weight=_feedback(b, layer), out=out)
    return out


def _inject_target(b: Builder, layer: WeightedLayer) -> str:
    """delta_h = -feedback[label]."""
    out, labels = b.delta_h(layer), b.labels()
    b.add(
        TargetProject(
            layer=layer.name,
            stage="local_error",
            batch=b.batch,
            shape=layer,
            labels=labels,
            feedback=_feedback(b, layer),
            error=out,
        )
    )
    return out


def _learn(b: Builder, block: list[WeightedLayer], sources: list[str], delta: str) -> None:
    """Backward through one block, last layer first."""
    for index in range(len(block) - 1, -1, -1):
        layer = block[index]
        stage: Stage = "local_error" if index == len(block) - 1 else "input_grad"
        error = batch_norm_backward(b, layer, delta, spread=None, stage=stage)
        b.weight_gradient(layer, sources[index], error)
        if index > 0:
            delta = input_gradient(b, layer, error, block[index - 1])
        b.update_layer(layer)
