"""A block's own linear classifier (the `local_losses` rule), on the same pooled latents as LLS."""

from lls_hw.models.program.backward import classifier_loss
from lls_hw.models.program.builder import Builder
from lls_hw.models.program.names import head_of
from lls_hw.models.program.ops import Pool
from lls_hw.models.spec.geometry import PoolGrid, PoolLayer, WeightedLayer


def classifier_of(layer: WeightedLayer, grid: PoolGrid, classes: int) -> WeightedLayer:
    """The classifier as a layer: its input is the pooled map, seen as one position."""
    return WeightedLayer(
        name=head_of(layer.name),
        block=layer.block,
        kind="classifier",
        in_h=1,
        in_w=1,
        in_c=grid.latents(layer.out_c),
        out_h=1,
        out_w=1,
        out_c=classes,
        kernel_h=1,
        kernel_w=1,
        stride=1,
        padding=0,
        bias=True,
        batch_norm=False,
        negative_slope=0.0,
        local=None,
    )


def latent_pool(layer: WeightedLayer, grid: PoolGrid) -> PoolLayer:
    """The pooling as a layer of its own; a linear block's features are pooled along one axis."""
    if grid.channels is not None:
        flat = PoolGrid(rows=((0, 1),), cols=grid.channels)
        return PoolLayer(name=f"{layer.name}.latent", kind="avg", in_h=1, in_w=layer.out_c, channels=1, grid=flat)
    return PoolLayer(
        name=f"{layer.name}.latent", kind="avg", in_h=layer.out_h, in_w=layer.out_w, channels=layer.out_c, grid=grid
    )


def classifier_error(b: Builder, layer: WeightedLayer, grid: PoolGrid, h: str) -> str:
    """Pool, classify, softmax error, then back through the classifier; returns the pooled gradient.

    The classifier's weight gradient is taken here too: its input is at hand.
    """
    pool, head = latent_pool(layer, grid), classifier_of(layer, grid, b.network.classes)
    z = b.activation(pool)
    b.add(Pool(layer=layer.name, stage="local_error", batch=b.batch, pool=pool, source=h, out=z))
    logits = b.logits(head)
    bias = b.parameter(head.name, "bias", (head.out_c,))
    b.product(head, "local_error", source=z, weight=b.weight(head), bias=bias, out=logits)
    error = classifier_loss(b, head, logits, stage="local_error", temperature=b.rule.temperature)
    b.weight_gradient(head, z, error)
    grad = b.tensor(f"{layer.name}/latent_grad", (b.batch, head.in_c), b.precision.error_bits, "error")
    b.product(head, "local_error", error=error, weight=b.weight(head), out=grad)
    return grad
