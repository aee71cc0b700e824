"""Recipes of the local unit: projection, error and back-projection of a local loss."""

from lls_hw.models.program.names import tensor_name
from lls_hw.models.program.ops.local import LocalBackproject, LocalError, LocalProject
from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.stream import Flow, Pass, Stream
from lls_hw.sim.mapping.stream_ops import Grouped, Recipe, Streams, held, per_sample
from lls_hw.sim.mapping.tile import Transfer, make_transfer
from lls_hw.sim.mapping.work import times

POOL_SUM_BYTES = 4
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


def _projection(rows: int, latents: int, *, stored: bool) -> dict[str, int]:
    """Signed additions, or products where the vectors are no signs: a sine, or a random projection."""
    events = times(("projection_term", rows * latents))
    if stored:
        events = {"local_macs": events["local_adds"]}
    return events


def _vectors(ctx: Context, op: LocalProject | LocalBackproject) -> tuple[dict[str, int], int, tuple[Transfer, ...]]:
    """The fixed vectors: work a sample to get at them, scratch bytes, loads.

    A sine's table and a random projection are tensors of the program: held, and read anew for every sample.
    """
    if op.projection is not None:
        return {"scratchpad_read_words": ctx.words(op.rows * op.latents, ctx.tensor(op.projection).bits)}, 0, ()
    work = _basis_work(ctx, op.rows, op.latents)
    return work, basis_bytes(ctx, op.rows, op.latents), basis_loads(ctx, op.layer, op.rows, op.latents)


def project(ctx: Context, op: LocalProject) -> Grouped:
    """Positions of the map join their window's sum; at a sample's end its latents are projected."""
    shape, grid = op.shape, op.grid
    windows = sum(grid.areas) if grid.channels is None else 0
    adds = windows * shape.out_c if grid.channels is None else sum(grid.areas)  # windows may overlap or repeat
    norm = () if op.norm is None else (("latent_square", op.latents), ("latent_norm", 1))
    latent_work = times(*norm, *(() if grid.is_uniform else (("latent_uneven", op.latents),)))
    vectors, scratch_bytes, loads = _vectors(ctx, op)
    sample_work = _plus(latent_work, _projection(op.rows, op.latents, stored=op.projection is not None), vectors)
    per_unit, extra = divmod(adds, shape.positions)
    sample_work = _plus(sample_work, times(("latent_sum", extra)))
    one = Pass(
        f"{op.layer} project",
        (Flow(op.source, shape.out_c),),
        sample_writes=per_sample(ctx, op.batch, op.latent, op.projected, op.norm),
        work=times(("latent_sum", per_unit)),
        sample_work=sample_work,
        signal=op.rows * op.latents,
    )
    recipe = Recipe(
        Stream("local", op.batch, shape.positions, (one,)),
        held_reads=held(ctx, op.projection),
        scratch_bytes=POOL_SUM_BYTES * op.latents + scratch_bytes,
        extra_loads=loads,
    )
    return Grouped(((recipe, 1),), "sample by sample")


def local_error(ctx: Context, op: LocalError) -> Grouped:
    """Softmax error of each sample, with the modulation and its gradient held."""
    batch = op.batch
    entries = {"none": 0, "vector": op.rows, "matrix": op.rows * op.classes}[op.modulation_shape]
    work = times(
        ("softmax_class", op.classes), ("softmax_sample", 1), ("error_row", op.rows), ("modulation_entry", entries)
    )
    one = Pass(
        f"{op.layer} local error",
        per_sample(ctx, batch, op.projected, op.norm, op.labels),
        writes=per_sample(ctx, batch, op.logits, op.error, op.coefficients, op.alignment),
        work=work,
        signal=3 * entries,
    )
    recipe = Recipe(Stream("local", batch, 1, (one,)), held(ctx, op.modulation), held(ctx, op.modulation_grad))
    return Grouped(((recipe, 1),), "sample by sample")


def backproject(ctx: Context, op: LocalBackproject) -> Grouped:
    """Latent by latent: u from the coefficients, then the normalisation's Jacobian."""
    jacobian = "backproject_stored" if op.norm is None else "backproject"
    rounded = (("backproject_rounded", 1),) if op.norm is not None and op.projection is not None else ()
    per_latent = _plus(
        times((jacobian, 1), *rounded, *((name, 1) for name in ctx.draw(op.latent_grad))),
        _projection(op.rows, 1, stored=op.projection is not None),
    )
    vectors, scratch_bytes, loads = _vectors(ctx, op)
    one = Pass(
        f"{op.layer} back-project",
        () if op.latent is None else (Flow(op.latent, 1),),
        per_sample(ctx, op.batch, op.coefficients, op.alignment, op.norm),
        writes=(Flow(op.latent_grad, 1),),
        work=per_latent,
        sample_work=vectors,
        signal=op.rows * op.latents,
    )
    recipe = Recipe(
        Stream("local", op.batch, op.latents, (one,)),
        held_reads=held(ctx, op.projection),
        scratch_bytes=scratch_bytes,
        extra_loads=loads,
    )
    return Grouped(((recipe, 1),), "latent by latent")


def _plus(*parts: dict[str, int]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for event, number in part.items():
            total[event] = total.get(event, 0) + number
    return total


STREAMS: Streams = {LocalProject: project, LocalError: local_error, LocalBackproject: backproject}
