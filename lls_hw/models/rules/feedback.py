"""Direct feedback: DFA's fixed random feedback of the output error, DRTP's of the target."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from lls_hw.models.program.backward import learn_classifier
from lls_hw.models.program.builder import Builder
from lls_hw.models.program.names import tensor_name
from lls_hw.models.program.ops.loss import TargetProject
from lls_hw.models.rules.backprop import lower_forward
from lls_hw.models.rules.blocks import BlockError, learn_block, lower_blocks
from lls_hw.models.rules.rule import Array, Rule, State
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.resolve import resolve
from lls_hw.models.spec.rule import RuleSpec

FEEDBACK_SPAN = 1e-4


def lower_dfa(b: Builder) -> None:
    """Forward to the loss; then every block's error comes straight from the output's.

    Unlike backpropagation no block waits for the one behind it, but all wait for the loss.
    """
    layers = resolve(b.network)
    sources = lower_forward(b, layers)
    classifier = layers[-1]
    assert isinstance(classifier, WeightedLayer)
    error = learn_classifier(b, classifier, sources[-2], sources[-1])
    for first, block in reversed(_blocks(b)):
        delta = _inject_error(b, block[-1], error)
        learn_block(b, block, sources[first : first + len(block)], delta, holds="map")


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


def _inject_error(b: Builder, layer: WeightedLayer, error: str) -> str:
    """delta_h = error @ feedback: the input gradient of an imagined classifier on this map."""
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
    out = b.delta_h(layer)
    feedback = b.tensor(
        tensor_name(layer.name, "feedback"), imagined.weight_shape, b.precision.weight_bits, "projection", kept=True
    )
    b.product(imagined, "local_error", error=error, weight=feedback, out=out)
    return out


def lower_drtp(b: Builder) -> None:
    """Every block's error comes straight from the label.

    It is there before the forward pass, so that blocks learn during it and their maps die at once, as under LLS.
    """
    lower_blocks(b, BlockError(ops=_inject_target, holds="map"))


def _inject_target(b: Builder, layer: WeightedLayer, h: str) -> str:
    """delta_h = -feedback[label]."""
    shape = (b.network.classes, layer.out_h, layer.out_w, layer.out_c)
    out, labels = b.delta_h(layer), b.labels()
    feedback = b.tensor(tensor_name(layer.name, "feedback"), shape, b.precision.weight_bits, "projection", kept=True)
    b.add(
        TargetProject(
            layer=layer.name,
            stage="local_error",
            batch=b.batch,
            shape=layer,
            labels=labels,
            feedback=feedback,
            error=out,
        )
    )
    return out


def _map_shape(layer: WeightedLayer, rule: RuleSpec, classes: int) -> tuple[int, ...]:
    """(classes, out_h, out_w, out)."""
    return classes, layer.out_h, layer.out_w, layer.out_c


def _random_feedback(rng: np.random.Generator, shape: tuple[int, ...], columns: int) -> npt.NDArray[np.float64]:
    """1e-4 U(0, 1)."""
    return FEEDBACK_SPAN * rng.uniform(0.0, 1.0, shape)


def _as_weight(layer: WeightedLayer, batch: int, value: Array) -> Array:
    """The imagined classifier's weight (h, w, c, classes), times the batch.

    The chip's output error is a mean over the batch, the injected one is not: the fixed feedback makes up for it.
    """
    return np.moveaxis(value, 0, -1) * batch


def _from_weight(layer: WeightedLayer, batch: int, value: Array) -> Array:
    return np.moveaxis(value, -1, 0) / batch


_FEEDBACK = State(short="feedback", shape=_map_shape, first=_random_feedback, trained=False, is_map=True)
DFA = Rule(
    name="dfa",
    note="direct feedback alignment: fixed random feedback of the output error",
    lower=lower_dfa,
    reference="lls_hw.models.reference.rules.feedback:DFA",
    state=(replace(_FEEDBACK, to_chip=_as_weight, from_chip=_from_weight),),
    colour="sky",
)
DRTP = Rule(
    name="drtp",
    note="direct random target projection: fixed random feedback of the target",
    lower=lower_drtp,
    reference="lls_hw.models.reference.rules.feedback:DRTP",
    state=(_FEEDBACK,),
)
