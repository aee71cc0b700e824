"""Grouped and depthwise convolution: on the array group by group, packed on its diagonal, or on the vector unit.

A grouped convolution is G products (m, k) @ (k, n) over the same output pixels; depthwise is k = taps, n = 1. Strides,
paddings and maps of any shape only decide m and k.

**Chained.** The sequencer visits only the patches on the diagonal of the block-diagonal operand, each a product of its
own whose folds follow the previous product's without a gap. With τ_f and the fold's period as in `array_cycles`, and T
the sum of a product's periods,

    ws, is   T = Σ_f max(m, κ_f)           (one register: Σ_f m − 1 + κ_f)
    os       T = Σ_f max(k, ρ_f)
    cycles = (G − 1)·T + array_cycles(m, k, n)          (is: m and n exchanged)

because every product begins T after the one before it and the last one ends last. Not chained (each product drained
before the next begins) G products take G·array_cycles(m, k, n).

**Packed.** p groups share one patch (m, p·k) @ (p·k, p·n), zeros outside their blocks; only 1/p of its products are
useful. One fold of a stationary operand holds p = min(⌊R/k⌋, ⌊C/n⌋) groups (is: ⌊C/m⌋); os has no limit along k, so p =
⌊C/n⌋ there. ⌈G/p⌉ patches run chained; the last holds what is left, k' ≤ p·k, and enters after

    ws, is   max(m, κ')          os   max(p·k, p·k + ρ − k')

os waits there until the drain before it has made way: a short last patch finishes sooner than the drain of R rows.

**Vector.** V lanes, a multiply-accumulate each a cycle: ⌈G·m·k·n / V⌉.
"""

from dataclasses import dataclass
from typing import Literal

from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.sim.array import dataflow_of
from lls_hw.sim.array.dataflow import fold_count

Way = Literal["per_group", "packed", "vector"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """`groups` products (m, k) @ (k, n)."""

    groups: int
    m: int
    k: int
    n: int

    def __post_init__(self) -> None:
        for name in ("groups", "m", "k", "n"):
            if getattr(self, name) < 1:
                raise SpecError(f"grouped.{name}", getattr(self, name), "every size must be positive", "Use 1 or more.")

    @property
    def macs(self) -> int:
        """Useful multiply-accumulates, products with padding included."""
        return self.groups * self.m * self.k * self.n


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedCost:
    """One way to run a grouped convolution: `pack` groups a patch; `performed` counts the zeros of packing too."""

    way: Way
    cycles: int
    useful_macs: int
    performed_macs: int
    pack: int


def convolution_groups(layer: WeightedLayer, groups: int, batch: int = 1) -> Groups:
    """The products of a convolution in `groups` groups (depthwise: one a channel).

    Raises
    ------
    SpecError : the channels do not divide into the groups.
    """
    if groups < 1 or layer.in_c % groups or layer.out_c % groups:
        need = f"it must divide {layer.in_c} and {layer.out_c} channels"
        raise SpecError(f"{layer.name}.groups", groups, need, "Choose a common divisor.")
    taps = layer.kernel_h * layer.kernel_w
    inner, outer = taps * (layer.in_c // groups), layer.out_c // groups
    return Groups(groups=groups, m=batch * layer.positions, k=inner, n=outer)


def most_packed(one: Groups, array: ArraySpec) -> int:
    """Most groups that share a fold; 1 where two do not fit."""
    flow = dataflow_of(array)
    _, down, across = flow.roles(one.m, one.k, one.n)
    fits = array.cols // across
    if not flow.sums_stay:  # their inner axes stand below each other in the rows
        fits = min(fits, array.rows // down)
    return max(1, min(fits, one.groups))


def grouped_cycles(one: Groups, array: ArraySpec, *, pack: int = 1, chained: bool = True) -> int:
    """Cycles on the array with `pack` groups a patch, patches back to back or each drained first.

    Examples
    --------
    >>> grouped_cycles(Groups(groups=64, m=4096, k=9, n=1), ArraySpec(rows=16, cols=16))
    262168
    """
    if pack < 1:
        raise SpecError("grouped.pack", pack, "a patch holds at least one group", "Use 1 or more.")
    pack = min(pack, one.groups)
    full, left = divmod(one.groups, pack)
    if not chained:
        return full * _alone(one, array, pack) + (_alone(one, array, left) if left else 0)
    last = (full - 1) * _period(one, array, pack) + _alone(one, array, pack)
    if not left:
        return last
    return max(last, full * _period(one, array, pack) + _follow(one, array, pack, left) + _alone(one, array, left))


def grouped_costs(one: Groups, array: ArraySpec, lanes: int) -> tuple[GroupedCost, ...]:
    """Every way, cheapest first; of equals the one that multiplies fewer zeros, then the array before the vector unit.

    Packing takes the best number of groups a patch, 2 or more; it is left out where two do not fit.
    """
    if lanes < 1:
        raise SpecError("vector.lanes", lanes, "there must be one", "Use 1 or more.")
    ways = [GroupedCost(way="per_group", cycles=grouped_cycles(one, array), useful_macs=one.macs,
                        performed_macs=one.macs, pack=1)]  # fmt: skip
    packs = range(2, most_packed(one, array) + 1)
    if packs:
        pack = min(packs, key=lambda each: (grouped_cycles(one, array, pack=each), each))
        ways.append(
            GroupedCost(
                way="packed",
                cycles=grouped_cycles(one, array, pack=pack),
                useful_macs=one.macs,
                performed_macs=performed_macs(one, pack),
                pack=pack,
            )
        )
    ways.append(
        GroupedCost(way="vector", cycles=-(-one.macs // lanes), useful_macs=one.macs, performed_macs=one.macs, pack=1)
    )
    return tuple(sorted(ways, key=lambda cost: (cost.cycles, cost.performed_macs)))


def performed_macs(one: Groups, pack: int) -> int:
    """Multiply-accumulates of the patches, zeros included: p² blocks for p groups."""
    full, left = divmod(one.groups, pack)
    return (full * pack**2 + left**2) * one.m * one.k * one.n


def _alone(one: Groups, array: ArraySpec, pack: int) -> int:
    """Cycles of one patch by itself."""
    return dataflow_of(array).cycles(*_patch(one, array, pack), array, 1)


def _patch(one: Groups, array: ArraySpec, pack: int) -> tuple[int, int, int]:
    """(stream, down, across) of a patch: its groups stand beside each other along k and along the columns."""
    flow = dataflow_of(array)
    m, n = (one.m * pack, one.n) if flow.is_transposed else (one.m, one.n * pack)
    return flow.roles(m, one.k * pack, n)


def _period(one: Groups, array: ArraySpec, pack: int) -> int:
    """T: from a patch's first operand to that of an equal patch behind it."""
    flow = dataflow_of(array)
    stream, down, across = _patch(one, array, pack)
    whole, rest = divmod(down, array.rows)
    strip = whole * flow.period(stream, array.rows, array) + (flow.period(stream, rest, array) if rest else 0)
    return fold_count(across, array.cols) * strip


def _follow(one: Groups, array: ArraySpec, pack: int, left: int) -> int:
    """Cycles by which the last, shorter patch enters later than an equal one."""
    return dataflow_of(array).follow(_patch(one, array, pack), _patch(one, array, left), array)
