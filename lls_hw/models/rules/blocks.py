"""Common lowering of the local rules: each block learns as soon as its forward pass ends, from an error of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from lls_hw.models.program.backward import input_gradient, learn_classifier, norm_backward
from lls_hw.models.program.builder import Builder
from lls_hw.models.program.ops.base import Stage
from lls_hw.models.spec.geometry import Layer, PoolGrid, WeightedLayer
from lls_hw.models.spec.resolve import resolve

Holds = Literal["map", "sums", "means"]
"""Form of a block's error: a whole map, or a gradient pooled to the local loss's windows, as sums or as means."""


def _nothing(b: Builder, layer: WeightedLayer) -> None:
    """Appends no op."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockError:
    """The way in which a block gets its error.

    Attributes
    ----------
    ops : appends the ops from the output of a block's last layer to its error; returns the error's name.
    holds : what that tensor is.
    update : appends the updates of what the rule itself trains at that layer.
    """

    ops: Callable[[Builder, WeightedLayer, str], str]
    holds: Holds
    update: Callable[[Builder, WeightedLayer], None] = _nothing


def grid_of(layer: WeightedLayer) -> PoolGrid:
    """The windows of a layer's local loss."""
    if layer.local is None:
        raise AssertionError(f"layer {layer.name} has no local loss")
    return layer.local


def lower_blocks(b: Builder, error: BlockError) -> None:
    """Every block's forward pass and its own learning; no tensor of a block outlives its update but its output."""
    source = b.images()
    for block in _blocks(resolve(b.network)):
        sources = [source]
        for layer in block:
            sources.append(b.forward(layer, sources[-1]))
        source, last = sources[-1], block[-1]
        if not isinstance(last, WeightedLayer):
            continue
        if last.kind == "classifier":
            learn_classifier(b, last, sources[0], source)
            continue
        weighted = [layer for layer in block if isinstance(layer, WeightedLayer)]
        learn_block(b, weighted, sources, error.ops(b, last, source), holds=error.holds, update=error.update)


def _blocks(layers: tuple[Layer, ...]) -> list[list[Layer]]:
    """Consecutive layers up to each local loss together; a pooling is a block of its own."""
    blocks: list[list[Layer]] = []
    for layer in layers:
        last = blocks[-1][-1] if blocks else None
        same = isinstance(layer, WeightedLayer) and isinstance(last, WeightedLayer) and layer.block == last.block
        if same and isinstance(last, WeightedLayer) and last.local is None:
            blocks[-1].append(layer)
        else:
            blocks.append([layer])
    return blocks


def learn_block(
    b: Builder,
    layers: Sequence[WeightedLayer],
    sources: Sequence[str],
    delta: str,
    *,
    holds: Holds,
    update: Callable[[Builder, WeightedLayer], None] = _nothing,
) -> None:
    """Backward and update through one block from the error at its output, last layer first."""
    last = layers[-1]
    spread: PoolGrid | None = None if holds == "map" else grid_of(last)
    stage: Stage = "local_error"
    for index in range(len(layers) - 1, -1, -1):
        layer = layers[index]
        means = spread is not None and holds == "means"
        error = norm_backward(b, layer, delta, spread=spread, means=means, stage=stage)
        b.weight_gradient(layer, sources[index], error)
        if index > 0:
            delta = input_gradient(b, layer, error, layers[index - 1])
        b.update_layer(layer)
        if layer is last:
            update(b, layer)
        spread, stage = None, "input_grad"
