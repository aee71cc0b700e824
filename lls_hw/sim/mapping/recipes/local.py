"""Recipes of the local unit: projection, error and back-projection of a local loss."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lls_hw.models.program.names import tensor_name
from lls_hw.models.program.ops.local import LocalBackproject, LocalError, LocalProject
from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.stream import Flow, Pass, Stream
from lls_hw.sim.mapping.stream_ops import Grouped, Recipe, Streams, held, narrowed, per_sample
from lls_hw.sim.mapping.tile import Transfer, make_transfer
from lls_hw.sim.mapping.work import times

POOL_SUM_BYTES = 4
PRODUCT_BITS, MODULATION_BITS = 46, 24
"""Widest words that the local unit multiplies: a projection by r or a share, a modulation."""
SIGN_BITS = 1
"""Bits of a stored entry of the square basis: its sign. Only column t = 0 is zero, and that one is known."""


def basis_bytes(ctx: Context, rows: int, latents: int) -> int:
    """Bytes of a stored basis; none where it is generated.

    Stored in the scratchpad or in DRAM, it is held for the whole op (in DRAM: loaded once an op).
    """
    if ctx.chip.local.basis == "generated":
        return 0
    return storage_bytes(rows * latents, SIGN_BITS)


def basis_loads(ctx: Context, layer: str, rows: int, latents: int) -> tuple[Transfer, ...]:
    """The load of a basis that lives in DRAM, once for each op that uses it."""
    if ctx.chip.local.basis != "dram":
        return ()
    name, entries = tensor_name(layer, "basis"), rows * latents
    return (make_transfer(ctx.chip.dram, name, SIGN_BITS, segments=1, segment_elements=entries, span_elements=entries),)


def _basis_work(ctx: Context, rows: int, latents: int) -> dict[str, int]:
    """Per sample: phase steps of the generator, or reads of the stored signs."""
    if ctx.chip.local.basis == "generated":
        return {"phase_steps": rows * latents}
    return {"scratchpad_read_words": ctx.words(rows * latents, SIGN_BITS)}


def _terms(op: LocalProject | LocalBackproject, number: int) -> dict[str, int]:
    """Signed additions, or products where the vectors are no signs: a sine, or a random projection."""
    return times(("projection_term" if op.projection is None else "projection_product", number))


def _vectors(ctx: Context, op: LocalProject | LocalBackproject) -> "Vectors":
    """The fixed vectors: a sine's table and a random projection are tensors, held, and read anew for every sample."""
    if op.projection is not None:
        return Vectors(reads=held(ctx, op.projection))
    scratch_bytes = basis_bytes(ctx, op.rows, op.latents)
    return Vectors(
        _basis_work(ctx, op.rows, op.latents), scratch_bytes, basis_loads(ctx, op.layer, op.rows, op.latents)
    )


@dataclass(frozen=True, slots=True)
class Vectors:
    """The needs of a projection's vectors: work a sample, scratch bytes, loads, and the tensor it reads."""

    work: Mapping[str, int] = field(default_factory=dict)
    scratch_bytes: int = 0
    loads: tuple[Transfer, ...] = ()
    reads: tuple[Flow, ...] = ()


def project(ctx: Context, op: LocalProject) -> Grouped:
    """Positions of the map join their window's sum; at a sample's end its latents are projected."""
    shape, grid = op.shape, op.grid
    adds = sum(grid.areas) * (shape.out_c if grid.channels is None else 1)  # windows may overlap or repeat
    vectors = _vectors(ctx, op)
    per_unit, extra = divmod(adds, shape.positions)
    parts = [("latent_sum", extra)]
    if op.norm is not None:
        parts.append(("latent_square", op.latents))
    if not grid.is_uniform:
        parts.append(("latent_weight", op.latents))
    if not grid.is_uniform or _sum_bits(ctx, op) > ctx.tensor(op.latent).bits:
        parts.append(("latent_cut", op.latents))
    one = Pass(
        f"{op.layer} project",
        (Flow(op.source, shape.out_c),),
        held_reads=vectors.reads,
        sample_writes=per_sample(ctx, op.batch, op.latent, op.projected, op.norm),
        work=times(("latent_sum", per_unit)),
        sample_work=_plus(times(*parts), _terms(op, op.rows * op.latents), vectors.work),
        signal=op.rows * op.latents,
    )
    recipe = Recipe(
        Stream("local", op.batch, shape.positions, (one,)),
        scratch_bytes=POOL_SUM_BYTES * op.latents + vectors.scratch_bytes,
        extra_loads=vectors.loads,
        sampled=vectors.reads,
    )
    return Grouped(((recipe, 1),), "sample by sample")


def _sum_bits(ctx: Context, op: LocalProject) -> int:
    """Bits of an exact sum of the largest window."""
    return ctx.program.precision.activation_bits + (max(op.grid.areas) - 1).bit_length()


def local_error(ctx: Context, op: LocalError) -> Grouped:
    """Softmax error of each sample, with the modulation and its gradient held."""
    batch, rows, classes, precision = op.batch, op.rows, op.classes, ctx.program.precision
    modulation = {
        "none": (),
        "vector": (("modulation_vector", rows), ("modulation_scale", classes + rows)),
        "matrix": (("modulation_matrix", rows * classes), ("modulation_scale", classes + rows)),
    }[op.modulation_shape]
    normalised = (("latent_norm", 1), ("by_norm", rows)) if op.norm is not None else (("by_share", rows),)
    cut = op.norm is None and ctx.tensor(op.projected).bits > PRODUCT_BITS
    work = times(
        *normalised,
        *((("local_narrow", rows),) if cut else ()),
        ("by_temperature", 2 * rows),
        ("clamp", rows + classes),
        ("softmax_class", classes),
        ("softmax_sample", 1),
        *((("alignment", classes),) if op.alignment is not None else ()),
        *modulation,
    )
    entries = 0 if op.modulation is None else ctx.tensor(op.modulation).elements
    narrowed = () if op.modulation_grad is None else ("local_gradient", *ctx.draw(op.modulation_grad))
    wide = ("local_narrow",) if precision.master_bits > MODULATION_BITS else ()
    one = Pass(
        f"{op.layer} local error",
        per_sample(ctx, batch, op.projected, op.norm, op.labels),
        writes=per_sample(ctx, batch, op.logits, op.error, op.coefficients, op.alignment),
        work=work,
        signal=3 * entries,
    )
    recipe = Recipe(
        Stream("local", batch, 1, (one,)),
        held(ctx, op.modulation),
        held(ctx, op.modulation_grad),
        between=times(*((name, entries) for name in (*wide, *narrowed))),
    )
    return Grouped(((recipe, 1),), "sample by sample")


def backproject(ctx: Context, op: LocalBackproject) -> Grouped:
    """Latent by latent: u from the coefficients, then the normalisation's Jacobian."""
    vectors = _vectors(ctx, op)
    entries = ["backproject"] if op.norm is not None else ["backproject_weight"]
    if op.norm is not None and op.projection is not None:
        entries.append("backproject_rounded")
    if op.norm is not None and not op.grid.is_uniform:
        entries.append("backproject_weight")
    sample = ("latent_norm", "backproject_sample") if op.norm is not None else ()
    one = Pass(
        f"{op.layer} back-project",
        () if op.latent is None else (Flow(op.latent, 1),),
        per_sample(ctx, op.batch, op.coefficients, op.alignment, op.norm),
        held_reads=vectors.reads,
        writes=(Flow(op.latent_grad, 1),),
        work=_plus(times(*((name, 1) for name in entries)), _terms(op, op.rows)),
        sample_work=_plus(times(*((name, 1) for name in sample)), vectors.work),
        signal=op.rows * op.latents,
    )
    recipe = Recipe(
        Stream("local", op.batch, op.latents, narrowed(ctx, one, op.latent_grad, "local_narrow")),
        scratch_bytes=vectors.scratch_bytes,
        extra_loads=vectors.loads,
        sampled=vectors.reads,
    )
    return Grouped(((recipe, 1),), "latent by latent")


def _plus(*parts: Mapping[str, int]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for event, number in part.items():
            total[event] = total.get(event, 0) + number
    return total


STREAMS: Streams = {LocalProject: project, LocalError: local_error, LocalBackproject: backproject}
