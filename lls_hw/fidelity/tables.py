"""Faithfulness of the integers, as tables for people."""

from rich.table import Table
from rich.text import Text

from lls_hw.fidelity.integer_steps import Numerics
from lls_hw.models.program.names import is_weight_gradient

SHOWN_TENSORS = 8


def float_table(numerics: Numerics) -> Table:
    """Fixed against float: every weight gradient, then the worst of the other tensors."""
    table = Table(title="first step, fixed point against float", title_justify="left")
    table.add_column("tensor")
    table.add_column("SQNR, dB", justify="right")
    table.add_column("cosine", justify="right")
    rows = numerics.against_float
    grads = [row for row in rows if is_weight_gradient(row.tensor)]
    others = sorted((row for row in rows if row not in grads), key=lambda row: row.cosine)[:SHOWN_TENSORS]
    for group in (grads, others):
        for row in group:
            table.add_row(row.tensor, f"{row.sqnr_db:.1f}", f"{row.cosine:.5f}")
        table.add_section()
    return table


def closing_text(numerics: Numerics) -> Text:
    """Lines below the table: the last loss, and the losses by word widths."""
    counted = f"codes saturated {numerics.saturated:,}, accumulators overflowed {numerics.overflows:,}"
    if not numerics.losses[-1]:
        return Text(f"nothing is learnt, so there is no loss\n{counted}")
    loss = ", ".join(f"{layer} {value:.4f}" for layer, value in numerics.losses[-1].items())
    return Text(
        f"loss before the last update: {loss}\n{counted}, "
        f"updates that moved no code {100 * numerics.lost_update_fraction:.1f}%"
    )
