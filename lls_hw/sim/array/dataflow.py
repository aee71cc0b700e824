"""What a dataflow is: which operand stays in the array, which axis of a product lies along its rows and columns."""

from dataclasses import dataclass
from typing import Literal

Axis = Literal["m", "k", "n"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataflow:
    """One way to run (m, k) @ (k, n) on R rows x C columns.

    Attributes
    ----------
    streams : the axis whose elements enter one a cycle.
    rows_hold, columns_hold : the axes that lie along the array's rows and columns; a fold is R by C of them.
    """

    name: str
    streams: Axis
    rows_hold: Axis
    columns_hold: Axis

    def chain_terms(self, rows: int) -> int | None:
        """Most products that are added one after the other from zero; None: all of a sum's.

        Where k lies along the rows, a sum moves down a column of R elements, and what leaves below is added to the
        stored partial sum. Where k streams, an element adds all k products to its own sum.
        """
        return None if self.streams == "k" else rows
