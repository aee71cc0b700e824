"""The LLS family: a block's pooled latent is projected on fixed vectors, and learns from the softmax of that."""

from dataclasses import replace
from functools import partial

import numpy as np
import numpy.typing as npt

from lls_hw.models.program.builder import Builder, word_bits
from lls_hw.models.program.names import basis_of, tensor_name
from lls_hw.models.program.ops.local import LocalBackproject, LocalError, LocalProject
from lls_hw.models.rules.blocks import BlockError, grid_of, lower_blocks
from lls_hw.models.rules.rule import Constant, LatentLoss, Rule, State
from lls_hw.models.spec.geometry import PoolGrid, WeightedLayer, adaptive_windows
from lls_hw.models.spec.rule import RuleSpec

UNEVEN_GUARD_BITS = 8
"""Fraction bits a latent gains where windows differ in size and sums must be weighed."""

MAX_SUM_BITS = 62
ROOT_BITS = 16
"""Mantissa of the reciprocal root, by which every projection is multiplied."""
BASIS_FRAC = 15
"""Fraction bits of a sine in the table: codes of 16 bits, of which +1 is the largest."""

MODULATION_STD, PROJECTION_STD = 0.01, 0.1


def latent_bits(activation_bits: int, grid: PoolGrid, latents: int, basis_frac: int = 0) -> int:
    """Exact width of a window's sum, cut where a sum over the latents would leave int64.

    Of squares: 2 (bits - 1) + log2(n) < 62. Of products with entries of at most 2**basis_frac, times the
    reciprocal root's mantissa: bits - 1 + basis_frac + log2(n) + 16 < 62.
    """
    growth = (max(grid.areas) - 1).bit_length() + (0 if grid.is_uniform else UNEVEN_GUARD_BITS)
    squares = (MAX_SUM_BITS - latents.bit_length()) // 2
    products = MAX_SUM_BITS - ROOT_BITS - basis_frac - latents.bit_length() + 1
    return min(activation_bits + growth, squares, products)


def lower_latent(loss: LatentLoss, b: Builder) -> None:
    """Projection, softmax error and back-projection block by block."""

    def update(b: Builder, layer: WeightedLayer) -> None:
        if loss.modulation != "none":
            b.update(layer.name, "modulation", loss.modulation_shape(b.rule, b.network.classes))

    lower_blocks(b, BlockError(ops=partial(_latent_error, loss), holds="sums", update=update))


def _latent_error(loss: LatentLoss, b: Builder, layer: WeightedLayer, h: str) -> str:
    """Projection, softmax error, back-projection; returns the pooled gradient."""
    project = _project(loss, b, layer, h)
    error = _softmax_error(loss, b, project)
    grad = b.tensor(tensor_name(layer.name, "latent_grad"), (b.batch, project.latents), b.precision.error_bits, "error")
    b.add(
        LocalBackproject(
            layer=layer.name,
            stage="local_error",
            batch=b.batch,
            grid=project.grid,
            rows=project.rows,
            latents=project.latents,
            coefficients=error.coefficients,
            alignment=error.alignment,
            latent=project.latent if loss.normalised else None,
            norm=project.norm,
            projection=project.projection,
            latent_grad=grad,
        )
    )
    return grad


def _project(loss: LatentLoss, b: Builder, layer: WeightedLayer, h: str) -> LocalProject:
    """Latents, projections and, where latents are normalised, squared norms."""
    name, grid, weight_bits = layer.name, grid_of(layer), b.precision.weight_bits
    rows, latents = loss.rows(b.rule, b.network.classes), grid.latents(layer.out_c)
    from_table = loss.normalised and b.rule.waveform == "cosine"
    basis_frac = BASIS_FRAC if from_table else 0
    bits = latent_bits(b.precision.activation_bits, grid, latents, basis_frac)
    factor_bits = basis_frac if loss.normalised else weight_bits
    p_bits = word_bits(min(64, bits + factor_bits + latents.bit_length()))
    projection = None
    if from_table:
        projection = b.tensor(basis_of(latents), (rows, latents), BASIS_FRAC + 1, "table", kept=True)
    elif not loss.normalised:
        projection = b.tensor(tensor_name(name, "projection"), (rows, latents), weight_bits, "projection", kept=True)
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
        latent=b.tensor(tensor_name(name, "latent"), (b.batch, latents), word_bits(bits), "latent"),
        projected=b.tensor(tensor_name(name, "projected"), (b.batch, rows), p_bits, "signal"),
        norm=b.tensor(tensor_name(name, "norm"), (b.batch,), 64, "signal") if loss.normalised else None,
    )
    b.add(op)
    return op


def _softmax_error(loss: LatentLoss, b: Builder, project: LocalProject) -> LocalError:
    """The local softmax error, and with a modulation its gradient."""
    name, classes, shape = project.layer, b.network.classes, loss.modulation_shape(b.rule, b.network.classes)
    modulated = loss.modulation != "none"
    op = LocalError(
        layer=name,
        stage="local_error",
        batch=b.batch,
        rows=project.rows,
        classes=classes,
        modulation_shape=loss.modulation,
        projected=project.projected,
        norm=project.norm,
        labels=b.labels(),
        modulation=b.parameter(name, "modulation", shape) if modulated else None,
        logits=b.tensor(tensor_name(name, "signal_logits"), (b.batch, classes), 32, "signal"),
        error=b.tensor(tensor_name(name, "error"), (b.batch, classes), 32, "signal"),
        coefficients=b.tensor(tensor_name(name, "coefficients"), (b.batch, project.rows), 32, "signal"),
        alignment=b.tensor(tensor_name(name, "alignment"), (b.batch,), 64, "signal") if loss.normalised else None,
        modulation_grad=b.gradient(name, "modulation", shape) if modulated else None,
    )
    b.add(op)
    return op


def average_columns(matrix: npt.NDArray[np.float64], length: int) -> npt.NDArray[np.float64]:
    """Adaptive average of each row to `length` values (elements repeat where `length` is longer).

    Examples
    --------
    >>> average_columns(np.array([[1.0, 3.0, 5.0, 7.0]]), 2).tolist()
    [[2.0, 6.0]]
    """
    windows = adaptive_windows(matrix.shape[1], length)
    return np.stack([matrix[:, a:b].mean(axis=1) for a, b in windows], axis=1)


def random_projection(rng: np.random.Generator, shape: tuple[int, ...], columns: int) -> npt.NDArray[np.float64]:
    """0.1 N(0, 1) of `columns` columns, averaged down to the shape's."""
    return average_columns(PROJECTION_STD * rng.standard_normal((shape[0], columns)), shape[1])


def _random_modulation(rng: np.random.Generator, shape: tuple[int, ...], columns: int) -> npt.NDArray[np.float64]:
    """0.01 N(0, 1)."""
    return MODULATION_STD * rng.standard_normal(shape)


def latent_state(loss: LatentLoss) -> tuple[State, ...]:
    """The trained modulation and the fixed projection, where the rule has them."""

    def modulation(layer: WeightedLayer, rule: RuleSpec, classes: int) -> tuple[int, ...]:
        return loss.modulation_shape(rule, classes)

    def projection(layer: WeightedLayer, rule: RuleSpec, classes: int) -> tuple[int, ...]:
        return loss.rows(rule, classes), grid_of(layer).latents(layer.out_c)

    state: tuple[State, ...] = ()
    if loss.modulation != "none":
        state = (State(short="modulation", shape=modulation, first=_random_modulation, trained=True),)
    if loss.vectors == "random":
        fixed = State(short="projection", shape=projection, first=random_projection, trained=False, may_stretch=True)
        state = (*state, fixed)
    return state


def latent_rule(name: str, note: str, loss: LatentLoss, colour: str | None = None) -> Rule:
    """The record of a rule that learns from projected latents.

    Examples
    --------
    >>> [state.short for state in latent_rule("mine", "as LLS-M-Random", LatentLoss(vectors="random")).state]
    ['projection']
    """
    constants: set[Constant] = {"temperature"}
    constants |= {"waveform"} if loss.vectors == "periodic" else set()
    constants |= {"reduced_rows"} if loss.reduced else set()
    return Rule(
        name=name,
        note=note,
        lower=partial(lower_latent, loss),
        reference=f"lls_hw.models.reference.rules.lls:{loss.vectors.upper()}",
        state=latent_state(loss),
        constants=frozenset(constants),
        latent=loss,
        colour=colour,
    )


_LLS, _LLS_M = LatentLoss(vectors="periodic"), LatentLoss(vectors="periodic", modulation="vector")
_LLS_MXM = LatentLoss(vectors="periodic", modulation="matrix")
FAMILY = (
    latent_rule("lls", "local learning by synchronisation with a fixed periodic basis", _LLS, "blue"),
    latent_rule("lls_m", "LLS with one trained modulation per class", _LLS_M, "red"),
    latent_rule("lls_mxm", "LLS with a trained classes x classes modulation", _LLS_MXM, "green"),
    latent_rule(
        "lls_mxm_reduced", "LLS-MxM on a reduced set of basis vectors", replace(_LLS_MXM, reduced=True), "amber"
    ),
    latent_rule(
        "lls_random", "LLS with a fixed random projection instead of the basis", replace(_LLS, vectors="random")
    ),
    latent_rule("lls_m_random", "LLS-M with a fixed random projection", replace(_LLS_M, vectors="random")),
    latent_rule("lls_mxm_random", "LLS-MxM with a fixed random projection", replace(_LLS_MXM, vectors="random")),
)
