"""Local losses: a trained linear classifier per block, on the same pooled latents as LLS."""

import numpy as np
import numpy.typing as npt

from lls_hw.models.program.backward import classifier_loss
from lls_hw.models.program.builder import Builder
from lls_hw.models.program.names import head_of, tensor_name
from lls_hw.models.program.ops.pooling import Pool
from lls_hw.models.rules.blocks import BlockError, grid_of, lower_blocks
from lls_hw.models.rules.lls import random_projection
from lls_hw.models.rules.rule import Array, Rule, State
from lls_hw.models.spec.geometry import PoolGrid, PoolLayer, WeightedLayer
from lls_hw.models.spec.rule import RuleSpec


def classifier_of(layer: WeightedLayer, classes: int, *, bias: bool = True) -> WeightedLayer:
    """The classifier as a layer: its input is the pooled map, seen as one position."""
    return WeightedLayer(
        name=head_of(layer.name),
        block=layer.block,
        kind="classifier",
        in_h=1,
        in_w=1,
        in_c=grid_of(layer).latents(layer.out_c),
        out_h=1,
        out_w=1,
        out_c=classes,
        kernel_h=1,
        kernel_w=1,
        stride=1,
        padding=0,
        bias=bias,
        batch_norm=False,
        negative_slope=0.0,
        local=None,
    )


def latent_pool(layer: WeightedLayer) -> PoolLayer:
    """The pooling as a layer of its own; a linear block's features are pooled along one axis."""
    grid, name = grid_of(layer), f"{layer.name}.latent"
    if grid.channels is not None:
        flat = PoolGrid(rows=((0, 1),), cols=grid.channels)
        return PoolLayer(name=name, kind="avg", in_h=1, in_w=layer.out_c, channels=1, grid=flat)
    return PoolLayer(name=name, kind="avg", in_h=layer.out_h, in_w=layer.out_w, channels=layer.out_c, grid=grid)


def pooled_latent(b: Builder, layer: WeightedLayer, h: str) -> str:
    """Means of a block's output over its windows, in (row, column, channel) order."""
    pool = latent_pool(layer)
    z = b.activation(pool)
    b.add(Pool(layer=layer.name, stage="local_error", batch=b.batch, pool=pool, source=h, out=z))
    return z


def classifier_error(b: Builder, layer: WeightedLayer, h: str) -> str:
    """Pool, classify, softmax error, then back through the classifier; returns the pooled gradient.

    The classifier's weight gradient is taken here too: its input is at hand.
    """
    head, z = classifier_of(layer, b.network.classes), pooled_latent(b, layer, h)
    logits = b.logits(head)
    bias = b.parameter(head.name, "bias", (head.out_c,))
    b.product(head, "local_error", source=z, weight=b.weight(head), bias=bias, out=logits)
    error = classifier_loss(b, head, logits, stage="local_error", temperature=b.rule.temperature)
    b.weight_gradient(head, z, error)
    return back_through(b, layer, head, error)


def back_through(b: Builder, layer: WeightedLayer, head: WeightedLayer, error: str) -> str:
    """The pooled gradient: a local classifier's error through its weights."""
    grad = b.tensor(tensor_name(layer.name, "latent_grad"), (b.batch, head.in_c), b.precision.error_bits, "error")
    b.product(head, "local_error", error=error, weight=b.weight(head), out=grad)
    return grad


def lower_local_losses(b: Builder) -> None:
    """A classifier's error block by block."""

    def update(b: Builder, layer: WeightedLayer) -> None:
        b.update_layer(classifier_of(layer, b.network.classes))

    lower_blocks(b, BlockError(ops=classifier_error, holds="means", update=update))


def head_tensor(layer: str, short: str) -> str:
    """`L/local_weight` of the reference is the weight of the layer `L.local`; and so its bias."""
    return tensor_name(head_of(layer), short.removeprefix("local_"))


def window_major(layer: WeightedLayer, batch: int, value: Array) -> Array:
    """(classes, n), n in (channel, window) order, as (n, classes) in (window, channel) order."""
    windows, channels = _windows_and_channels(layer)
    return value.T.reshape(channels, windows, -1).swapaxes(0, 1).reshape(value.T.shape)


def channel_major(layer: WeightedLayer, batch: int, value: Array) -> Array:
    """The inverse of `window_major`, from any shape that ends in (n, classes)."""
    windows, channels = _windows_and_channels(layer)
    return value.reshape(windows, channels, -1).transpose(2, 1, 0).reshape(value.shape[-1], -1)


def _windows_and_channels(layer: WeightedLayer) -> tuple[int, int]:
    """Windows of the local loss, and channels that share them."""
    grid = grid_of(layer)
    return len(grid.areas), 1 if grid.channels is not None else layer.out_c


def weight_shape(layer: WeightedLayer, rule: RuleSpec, classes: int) -> tuple[int, ...]:
    """(classes, n)."""
    return classes, grid_of(layer).latents(layer.out_c)


def _bias_shape(layer: WeightedLayer, rule: RuleSpec, classes: int) -> tuple[int, ...]:
    return (classes,)


def _zeros(rng: np.random.Generator, shape: tuple[int, ...], columns: int) -> npt.NDArray[np.float64]:
    return np.zeros(shape)


LOCAL_LOSSES = Rule(
    name="local_losses",
    note="a trained linear classifier per block",
    lower=lower_local_losses,
    reference="lls_hw.models.reference.rules.local_losses:LOCAL_LOSSES",
    state=(
        State(
            short="local_weight",
            shape=weight_shape,
            first=random_projection,
            trained=True,
            may_stretch=True,
            tensor=head_tensor,
            to_chip=window_major,
            from_chip=channel_major,
        ),
        State(short="local_bias", shape=_bias_shape, first=_zeros, trained=True, may_lack=True, tensor=head_tensor),
    ),
    constants=frozenset({"temperature"}),
    colour="purple",
)
