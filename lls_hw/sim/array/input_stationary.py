"""Input-stationary: rows hold k, columns hold m; inputs stay, n columns of weights stream, sums move down.

The mirror image of weight-stationary: the transposed product (n, k) @ (k, m) on the same grid, so everything said
there holds with m and n exchanged. k, its folds and their order are the same, and so are all additions.
"""

from dataclasses import replace

from lls_hw.sim.array.dataflow import Legend
from lls_hw.sim.array.weight_stationary import WEIGHT_STATIONARY

INPUT_STATIONARY = replace(
    WEIGHT_STATIONARY,
    name="is",
    streams="n",
    columns_hold="m",
    legend=Legend("weight, moving right", "input, staying", "sum, moving down", "next input, loading"),
)
