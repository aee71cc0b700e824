"""Lowering of the LLS family: each block learns as soon as its forward pass ends."""

from lls_hw.models.program.backward import batch_norm_backward, input_gradient, learn_classifier
from lls_hw.models.program.builder import Builder, word_bits
from lls_hw.models.program.ops import LocalBackproject, LocalError, LocalProject, Stage
from lls_hw.models.program.program import Program
from lls_hw.models.rules.local_losses import classifier_error, classifier_of
from lls_hw.models.spec.geometry import Layer, PoolGrid, WeightedLayer
from lls_hw.models.spec.resolve import resolve

UNEVEN_GUARD_BITS = 8
"""Fraction bits a latent gains where windows differ in size and sums must be weighed."""

MAX_SUM_BITS = 62


def latent_bits(activation_bits: int, grid: PoolGrid, latents: int) -> int:
    """Exact width of a window's sum, cut where the sum of squares would leave int64."""
    growth = (max(grid.areas) - 1).bit_length() + (0 if grid.is_uniform else UNEVEN_GUARD_BITS)
    return min(activation_bits + growth, (MAX_SUM_BITS - latents.bit_length()) // 2)


def lower_local(b: Builder) -> Program:
    """LLS, LLS-M, LLS-MxM: no tensor of a block outlives its own update but its output."""
    source = b.images()
    for block in _blocks(resolve(b.network)):
        source = _train_block(b, block, source)
    return b.program()


def _blocks(layers: tuple[Layer, ...]) -> list[list[Layer]]:
    """Consecutive layers of one block together; a pooling is a block of its own."""
    blocks: list[list[Layer]] = []
    for layer in layers:
        last = blocks[-1][-1] if blocks else None
        same = isinstance(layer, WeightedLayer) and isinstance(last, WeightedLayer) and layer.block == last.block
        if same and isinstance(last, WeightedLayer) and last.local is None:
            blocks[-1].append(layer)
        else:
            blocks.append([layer])
    return blocks


def _train_block(b: Builder, block: list[Layer], source: str) -> str:
    """Forward through the block, its local loss, then backward and update, last layer first."""
    sources = [source]
    for layer in block:
        sources.append(b.forward(layer, sources[-1]))
    last = block[-1]
    if not isinstance(last, WeightedLayer):
        return sources[-1]
    if last.kind == "classifier":
        learn_classifier(b, last, sources[0], sources[-1])
        return sources[-1]
    _learn(b, [layer for layer in block if isinstance(layer, WeightedLayer)], sources)
    return sources[-1]


def _learn(b: Builder, layers: list[WeightedLayer], sources: list[str]) -> None:
    grid = layers[-1].local
    assert grid is not None, f"block {layers[-1].block} has no local loss"
    delta = local_error(b, layers[-1], grid, sources[-1])
    spread: PoolGrid | None = grid
    for index in range(len(layers) - 1, -1, -1):
        layer = layers[index]
        stage: Stage = "local_error" if spread else "input_grad"
        error = batch_norm_backward(b, layer, delta, spread=spread, stage=stage)
        b.weight_gradient(layer, sources[index], error)
        if index > 0:
            delta, spread = input_gradient(b, layer, error, layers[index - 1]), None
        b.update_layer(layer)
        if layer is layers[-1] and b.rule.modulation != "none":
            b.update(layer.name, "modulation", _modulation_shape(b))
        if layer is layers[-1] and b.rule.name == "local_losses":
            b.update_layer(classifier_of(layer, grid, b.network.classes))


def _modulation_shape(b: Builder) -> tuple[int, ...]:
    rows, classes = b.rule.basis_rows(b.network.classes), b.network.classes
    return (rows, classes) if b.rule.modulation == "matrix" else (rows,)


def local_error(b: Builder, layer: WeightedLayer, grid: PoolGrid, h: str) -> str:
    """Projection, softmax error, back-projection; returns the pooled gradient."""
    if b.rule.name == "local_losses":
        return classifier_error(b, layer, grid, h)
    project = _project(b, layer, grid, h)
    error = _error(b, project)
    grad = b.tensor(f"{layer.name}/latent_grad", (b.batch, project.latents), b.precision.error_bits, "error")
    b.add(
        LocalBackproject(
            layer=layer.name,
            stage="local_error",
            batch=b.batch,
            rows=project.rows,
            latents=project.latents,
            coefficients=error.coefficients,
            alignment=error.alignment,
            latent=None if project.norm is None else project.latent,
            norm=project.norm,
            projection=project.projection,
            latent_grad=grad,
        )
    )
    return grad


def _project(b: Builder, layer: WeightedLayer, grid: PoolGrid, h: str) -> LocalProject:
    """Latents, projections and, where latents are normalised, squared norms."""
    name, rows, latents = layer.name, b.rule.basis_rows(b.network.classes), grid.latents(layer.out_c)
    stored, weight_bits = b.rule.random_projection, b.precision.weight_bits
    bits = latent_bits(b.precision.activation_bits, grid, latents)
    p_bits = word_bits(min(64, bits + weight_bits * stored + latents.bit_length()))
    projection = None
    if stored:
        projection = b.tensor(f"{name}/projection", (rows, latents), weight_bits, "projection", kept=True)
    op = LocalProject(
        layer=name,
        stage="local_error",
        batch=b.batch,
        shape=layer,
        grid=grid,
        rows=rows,
        latents=latents,
        source=h,
        projection=projection,
        latent=b.tensor(f"{name}/latent", (b.batch, latents), word_bits(bits), "latent"),
        projected=b.tensor(f"{name}/projected", (b.batch, rows), p_bits, "signal"),
        norm=None if stored else b.tensor(f"{name}/norm", (b.batch,), 64, "signal"),
    )
    b.add(op)
    return op


def _error(b: Builder, project: LocalProject) -> LocalError:
    """The local softmax error, and with a modulation its gradient."""
    name, classes, modulated = project.layer, b.network.classes, b.rule.modulation != "none"
    shape = _modulation_shape(b)
    op = LocalError(
        layer=name,
        stage="local_error",
        batch=b.batch,
        rows=project.rows,
        classes=classes,
        modulation_shape=b.rule.modulation,
        projected=project.projected,
        norm=project.norm,
        labels=b.labels(),
        modulation=b.parameter(name, "modulation", shape) if modulated else None,
        logits=b.tensor(f"{name}/signal_logits", (b.batch, classes), 32, "signal"),
        error=b.tensor(f"{name}/error", (b.batch, classes), 32, "signal"),
        coefficients=b.tensor(f"{name}/coefficients", (b.batch, project.rows), 32, "signal"),
        alignment=None if project.norm is None else b.tensor(f"{name}/alignment", (b.batch,), 64, "signal"),
        modulation_grad=b.gradient(name, "modulation", shape) if modulated else None,
    )
    b.add(op)
    return op
