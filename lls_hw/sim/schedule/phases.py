"""Phases: an op cut where it must have seen the whole batch before it can go on.

BatchNorm sums its map before it normalises it; nothing leaves the layer in between. So it has two phases, and so has
its backward pass. Every other op has one. Phases that hand maps to one another row by row can share one loop of tiles
(`bands`); a phase's *results* stand only when its loop is over.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

from lls_hw.models.program.names import tensor_name
from lls_hw.models.program.ops.base import Op, Tensor
from lls_hw.models.program.ops.group_norm import GroupNorm, GroupNormBackward, GroupNormSums, GroupStatistics
from lls_hw.models.program.ops.local import LocalProject
from lls_hw.models.program.ops.normalise import BatchNorm, BatchNormBackward, FrozenNormBackward, NormBackward
from lls_hw.models.program.ops.pooling import Pool
from lls_hw.models.program.ops.products import DepthwiseConv, Gemm, Product
from lls_hw.models.program.program import Program
from lls_hw.models.spec.geometry import WeightedLayer, Window
from lls_hw.sim.mapping.axes import windows_of


@dataclass(frozen=True, slots=True)
class MapRead:
    """A map that a phase reads, and which of its rows it needs when.

    Attributes
    ----------
    ends : `ends[r]` rows of the map must be there before the phase can have done its first `r` rows.
    begins : rows before `begins[r]` are of no use to its rows from `r` on.
    """

    tensor: str
    ends: tuple[int, ...]
    begins: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Phase:
    """A piece of an op that runs row by row.

    Attributes
    ----------
    index : the op's place in the program.
    part : which of the op's phases.
    rows : rows of a sample that it works through: those of the map that it writes, or of the one that it sums.
    maps : maps that it reads row by row.
    out : the map that it writes row by row; None where it only sums.
    per_sample_reads, per_sample_writes : operands of which each sample has its own; read at its first row, and
        written at its last one.
    held : operands that it needs whole, all the time.
    results : what stands when the last sample is done.
    reach : the last row that is done with what the given one needs: several rows of a gradient end together.
    """

    index: int
    op: Op
    part: int
    rows: int
    maps: tuple[MapRead, ...]
    out: str | None = None
    per_sample_reads: tuple[str, ...] = ()
    per_sample_writes: tuple[str, ...] = ()
    held: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    reach: tuple[int, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        last = (min(bisect_right(m.ends, m.ends[row]) - 1 for m in self.maps) for row in range(self.rows + 1))
        object.__setattr__(self, "reach", tuple(last) if self.maps else ())

    @property
    def streamed(self) -> tuple[str, ...]:
        """Tensors that it reads piece by piece: rows of maps, and what each sample has of its own."""
        return (*(read.tensor for read in self.maps), *self.per_sample_reads)

    @property
    def name(self) -> str:
        """Layer, and what it does there."""
        return f"{self.op.layer} {self.op.stage} {self.op.kind}" + (f" {self.part + 1}" if self.part else "")


def rows_of(tensor: Tensor) -> int:
    """Rows of a sample's map (batch, height, width, channels)."""
    return tensor.shape[1] if len(tensor.shape) == 4 else 1


def steady(tensor: str, rows: int) -> MapRead:
    """Row by row: the first `r` rows need the first `r` rows."""
    places = tuple(range(rows + 1))
    return MapRead(tensor, places, places)


def windowed(tensor: str, windows: tuple[Window, ...], rows: int) -> MapRead:
    """A row for each window of rows of the map.

    Examples
    --------
    >>> windowed("x", ((0, 2), (0, 3), (1, 3)), 3)
    MapRead(tensor='x', ends=(0, 2, 3, 3), begins=(0, 0, 1, 3))
    """
    ends = list(accumulate((end for _, end in windows), max, initial=0))
    begins = list(accumulate((first for first, _ in reversed(windows)), min, initial=rows))[::-1]
    ends[-1] = rows  # rows that no window covers go with the last one
    return MapRead(tensor, tuple(ends), tuple(begins))


def scattered(tensor: str, windows: tuple[Window, ...], rows: int) -> MapRead:
    """The reverse: each row of the map adds to the rows of its window, of which there are `rows`.

    Sums of rows that are not finished wait in the phase, so that a row of the map is of no more use once it was added.

    Examples
    --------
    >>> scattered("dy", ((0, 2), (0, 3), (1, 3)), 3)
    MapRead(tensor='dy', ends=(0, 2, 3, 3), begins=(0, 2, 3, 3))
    """
    ends = [sum(first < row for first, _ in windows) for row in range(rows + 1)]
    ends[0], ends[-1] = 0, len(windows)
    return MapRead(tensor, tuple(ends), tuple(ends))


PhaseRecipe = Callable[[Program, int, Any], tuple[Phase, ...]]


def product(program: Program, index: int, op: Product) -> tuple[Phase, ...]:
    """Convolutions, linear layers and depthwise convolutions, in each direction.

    A linear layer needs its whole map, however many rows it has: a block's own classifier sees them as one position.
    """
    shape = op.shape
    flat = shape.kind in ("linear", "classifier")
    height = rows_of(program.tensors[op.out if op.source is None else op.source]) if flat else shape.in_h
    windows = ((0, height),) if flat else _windows(shape)
    small = tuple(name for name in (op.weight, op.bias) if name is not None)
    if op.direction == "forward":
        assert op.source is not None
        reads = (windowed(op.source, windows, height),)
        return (Phase(index, op, 0, shape.out_h, reads, op.out, held=small),)
    assert op.error is not None
    if op.direction == "input_grad":
        return (Phase(index, op, 0, height, (scattered(op.error, windows, height),), op.out, held=small),)
    assert op.source is not None
    both = (windowed(op.source, windows, height), steady(op.error, shape.out_h))
    return (Phase(index, op, 0, shape.out_h, both, results=(op.out,)),)


def _windows(shape: WeightedLayer) -> tuple[Window, ...]:
    return windows_of(shape.out_h, shape.in_h, shape.kernel_h, shape.stride, shape.padding)


def batch_norm(program: Program, index: int, op: BatchNorm) -> tuple[Phase, ...]:
    """Sums, then the normalised map; with running statistics there is nothing to sum."""
    rows, small = op.shape.out_h, (op.gamma, op.beta, op.running)
    reads = (steady(op.y, rows),)
    if op.stats is None or op.moved is None:
        return (Phase(index, op, 0, rows, reads, op.out, held=small),)
    sums = Phase(index, op, 0, rows, reads, held=small, results=(op.stats, op.moved))
    return sums, Phase(index, op, 1, rows, reads, op.out, held=(op.stats,))


def batch_norm_backward(program: Program, index: int, op: BatchNormBackward) -> tuple[Phase, ...]:
    """Sums, then the error of the map; between them the coefficients of the second stand in a tensor of their own."""
    rows, coefficients = op.shape.out_h, coefficients_of(op)
    reads, pooled = _errors(op)
    results = (op.gamma_grad, op.beta_grad, coefficients)
    sums = Phase(index, op, 0, rows, reads, per_sample_reads=pooled, held=(op.stats,), results=results)
    return sums, Phase(index, op, 1, rows, reads, op.out, per_sample_reads=pooled, held=(op.stats, coefficients))


def frozen_norm_backward(program: Program, index: int, op: FrozenNormBackward) -> tuple[Phase, ...]:
    """The error of the map row by row, and the gradient of beta at the end: no sums are waited for."""
    reads, pooled = _errors(op)
    rows, small = op.shape.out_h, (op.gamma, op.beta, op.running)
    phase = Phase(index, op, 0, rows, reads, op.out, per_sample_reads=pooled, held=small, results=(op.beta_grad,))
    return (phase,)


def group_statistics(program: Program, index: int, op: GroupStatistics) -> tuple[Phase, ...]:
    """Sums row by row; a sample's words when its last row is there."""
    reads = (steady(op.y, op.shape.out_h),)
    return (Phase(index, op, 0, op.shape.out_h, reads, per_sample_writes=(op.stats,)),)


def group_norm(program: Program, index: int, op: GroupNorm) -> tuple[Phase, ...]:
    """The normalised map row by row, by the words of its sample."""
    rows = op.shape.out_h
    held = (op.gamma, op.beta)
    return (Phase(index, op, 0, rows, (steady(op.y, rows),), op.out, per_sample_reads=(op.stats,), held=held),)


def group_norm_sums(program: Program, index: int, op: GroupNormSums) -> tuple[Phase, ...]:
    """Sums row by row: of each sample for its own gradient, of all of them for gamma and beta."""
    reads, pooled = _errors(op)
    phase = Phase(
        index,
        op,
        0,
        op.shape.out_h,
        reads,
        per_sample_reads=(*pooled, op.stats),
        per_sample_writes=(op.pulls,),
        held=(op.gamma, op.beta),
        results=(op.gamma_grad, op.beta_grad),
    )
    return (phase,)


def group_norm_backward(program: Program, index: int, op: GroupNormBackward) -> tuple[Phase, ...]:
    """The error of the map row by row, by the words and pulls of its sample."""
    reads, pooled = _errors(op)
    own, held = (*pooled, op.stats, op.pulls), (op.gamma, op.beta)
    return (Phase(index, op, 0, op.shape.out_h, reads, op.out, per_sample_reads=own, held=held),)


def _errors(op: NormBackward) -> tuple[tuple[MapRead, ...], tuple[str, ...]]:
    """Maps that go back through a norm row by row, and its error where it is a pooled one, read once a sample."""
    y = steady(op.y, op.shape.out_h)
    return ((steady(op.error, op.shape.out_h), y), ()) if op.spread is None else ((y,), (op.error,))


def coefficients_of(op: BatchNormBackward) -> str:
    """The means of the error and of the error times the normalised map, a channel each."""
    return tensor_name(op.layer, "norm_means")


def pool(program: Program, index: int, op: Pool) -> tuple[Phase, ...]:
    """Windows of rows; a linear layer's features, which are pooled as rows, are one row of its map."""
    height = rows_of(program.tensors[op.source])
    windows = op.pool.grid.rows if height == op.pool.in_h else ((0, height),) * op.pool.out_h
    reads = (windowed(op.source, windows, height),)
    return (Phase(index, op, 0, op.pool.out_h, reads, op.out),)


def local_project(program: Program, index: int, op: LocalProject) -> tuple[Phase, ...]:
    """Window sums row by row; a sample's latents are projected when its last row is there."""
    written = tuple(name for name in (op.latent, op.projected, op.norm) if name is not None)
    held = () if op.projection is None else (op.projection,)
    reads = (steady(op.source, op.shape.out_h),)
    return (Phase(index, op, 0, op.shape.out_h, reads, per_sample_writes=written, held=held),)


RECIPES: dict[type[Op], PhaseRecipe] = {
    Gemm: product,
    DepthwiseConv: product,
    BatchNorm: batch_norm,
    BatchNormBackward: batch_norm_backward,
    FrozenNormBackward: frozen_norm_backward,
    GroupStatistics: group_statistics,
    GroupNorm: group_norm,
    GroupNormSums: group_norm_sums,
    GroupNormBackward: group_norm_backward,
    Pool: pool,
    LocalProject: local_project,
}


def phases_of(program: Program, index: int) -> tuple[Phase, ...]:
    """The op's phases; none of an op that is only run by itself."""
    op = program.ops[index]
    recipe = RECIPES.get(type(op))
    return () if recipe is None else recipe(program, index, op)
