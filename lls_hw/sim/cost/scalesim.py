"""Cycles of a topology's layers in our convention or in SCALE-Sim's.

SCALE-Sim 3.0.0 (Samajdar et al., ISPASS 2020) maps a product on (Sr, Sc, T) = (k, n, m) ws, (m, n, k) os, (k, m, n) is:

    folds = ceil(Sr/R)·ceil(Sc/C)
    fold  = 2R + C + T − 2 (ws, is)      R + C + T − 2 (os)
    cycles = folds·fold − 1

Folds never overlap, partial folds cost whole ones, os ends before its last products can have arrived, and the last
cycle's index stands for the count of cycles. Utilization is 100·m·k·n / (cycles·R·C); mapping efficiency the mean share
of PEs in use over folds, in percent. Output sizes are rounded up. `docs/scalesim.md` says what each is worth.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.models.topology import TopologyLayer
from lls_hw.sim.array import dataflow_of
from lls_hw.sim.array.closed_form import array_cycles, array_utilization, mapping_efficiency
from lls_hw.sim.array.dataflow import fold_count

Convention = Literal["ours", "scalesim"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerCycles:
    """One line of `lls-hw cycles`; the last two in percent under `scalesim`, shares of 1 in ours."""

    name: str
    m: int
    k: int
    n: int
    cycles: int
    utilization: float
    mapping_efficiency: float


def scalesim_cycles(m: int, k: int, n: int, array: ArraySpec) -> int:
    """SCALE-Sim's `compute_cycles` for (m, k) @ (k, n).

    Examples
    --------
    >>> scalesim_cycles(64, 512, 512, ArraySpec(rows=16, cols=16, dataflow="ws"))
    112639
    """
    flow = dataflow_of(array)
    stream, down, across = flow.roles(m, k, n)
    fold = (1 if flow.sums_stay else 2) * array.rows + array.cols + stream - 2
    return fold_count(down, array.rows) * fold_count(across, array.cols) * fold - 1


def layer_cycles(
    topology: Iterable[TopologyLayer], array: ArraySpec, *, convention: Convention = "ours"
) -> list[LayerCycles]:
    """Cycles, utilization and mapping efficiency of every layer on an array.

    Our convention charges partial folds exactly and rounds output sizes down; see `array_cycles`.
    """
    measure = _scalesim if convention == "scalesim" else _ours
    return [measure(layer, array) for layer in topology]


def _ours(layer: TopologyLayer, array: ArraySpec) -> LayerCycles:
    """As the register-level array counts; shares of 1."""
    m, k, n = layer.gemm("down")
    return LayerCycles(
        name=layer.name,
        m=m,
        k=k,
        n=n,
        cycles=array_cycles(m, k, n, array),
        utilization=array_utilization(m, k, n, array),
        mapping_efficiency=mapping_efficiency(m, k, n, array),
    )


def _scalesim(layer: TopologyLayer, array: ArraySpec) -> LayerCycles:
    """As SCALE-Sim prints it; percent. (Its single product on one element takes 0 cycles: utilization 0 here.)"""
    m, k, n = layer.gemm("up")
    cycles = scalesim_cycles(m, k, n, array)
    return LayerCycles(
        name=layer.name,
        m=m,
        k=k,
        n=n,
        cycles=cycles,
        utilization=100 * m * k * n / (cycles * array.rows * array.cols) if cycles else 0.0,
        mapping_efficiency=100 * mapping_efficiency(m, k, n, array),
    )
