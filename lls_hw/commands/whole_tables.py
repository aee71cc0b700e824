"""Tables that are never cut: columns that do not fit the terminal stand in further tables below."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Column, Table

FRAME_COLUMNS = 3
"""Characters of a column's frame: a space each side, and a line."""
FOLDED_COLUMNS = 20
"""Characters that a column has whose words may be broken."""


def put_tables(console: "Console", *tables: "Table") -> None:
    """Print tables, each as wide as it is or in parts."""
    for table in tables:
        for part in parts(console, table):
            for column in part.columns:
                column.min_width = _least(column)  # else the longest text is cut first
            console.print(part)


def parts(console: "Console", table: "Table") -> "list[Table]":
    """The table, or several with its first columns in each and as many of the others as fit the console's width.

    The leading columns that are flush left name the rows. A column that does not fit beside them even alone is folded.
    """
    if least_columns(table) <= console.width:
        return [table]
    keys = next((at for at, column in enumerate(table.columns) if column.justify != "left"), 1) or 1
    names = table.columns[:keys]
    found: list[Table] = []
    taken: list[Column] = []
    for column in table.columns[keys:]:
        if taken and least_columns(_part(table, [*names, *taken, column])) > console.width:
            found.append(_part(table, [*names, *taken], more=bool(found)))
            taken = []
        taken.append(column)
    return [*found, _part(table, [*names, *taken], more=bool(found))]


def least_columns(table: "Table") -> int:
    """Characters of the narrowest form in which nothing is cut: columns that do not wrap whole, of others no word."""
    return 1 + sum(_least(column) + FRAME_COLUMNS for column in table.columns)


def _least(column: "Column") -> int:
    from rich.cells import cell_len

    texts = [str(text) for text in (column.header, column.footer, *column.cells)]
    pieces = (piece for text in texts for piece in (text.splitlines() if column.no_wrap else text.split()))
    longest = max(map(cell_len, pieces), default=0)
    return min(longest, FOLDED_COLUMNS) if column.overflow == "fold" else longest


def _part(table: "Table", columns: "Sequence[Column]", *, more: bool = False) -> "Table":
    from rich.table import Table

    part = Table(title=f"{table.title} (continued)" if more else table.title, title_justify=table.title_justify)
    part.show_footer = table.show_footer
    for column in columns:
        part.add_column(
            column.header, column.footer, justify=column.justify, no_wrap=column.no_wrap, overflow=column.overflow
        )
    for row, cells in zip(table.rows, zip(*(column.cells for column in columns), strict=True), strict=True):
        part.add_row(*cells, end_section=row.end_section)
    return part
