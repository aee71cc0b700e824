"""Charts of a run's integers: fixed point against float, losses, and what saturated."""

from collections.abc import Mapping, Sequence
from typing import Any

from lls_hw.models.program.names import TENSOR_KINDS, is_weight_gradient, tensor_kind
from lls_hw.report.chart import XY, Axis, Chart, Series, Table, View
from lls_hw.report.style import SERIES, SYMBOLS

SHOWN = 25


def float_chart(rows: Sequence[Mapping[str, Any]]) -> Chart:
    """SQNR and cosine by tensor, worst first."""
    by_sqnr = sorted(rows, key=lambda row: _low(row["sqnr_db"]))
    by_cosine = sorted(rows, key=lambda row: _low(row["cosine"]))
    worst, least = by_sqnr[0], by_cosine[0]
    grads = [row for row in by_sqnr if is_weight_gradient(row["tensor"])]
    caption = (
        f"The first step in integers held against the same step in real numbers, {len(rows)} tensors, worst first. "
        f"Least SQNR: {worst['tensor']}, {_db(worst['sqnr_db'])}; least cosine: {least['tensor']}, "
        f"{_cos(least['cosine'])}."
    )
    if grads:
        caption += f" Of the weight gradients the worst is {grads[0]['tensor']} with {_db(grads[0]['sqnr_db'])}."
    some = f"worst {SHOWN}" if len(rows) > SHOWN else "all"
    views = [
        View(name=f"SQNR, {some}", plot=_dots(by_sqnr[:SHOWN], "sqnr_db", "SQNR, dB")),
        View(name=f"cosine, {some}", plot=_dots(by_cosine[:SHOWN], "cosine", "cosine with float")),
    ]
    if grads:
        views.append(View(name="SQNR, weight gradients", plot=_dots(grads, "sqnr_db", "SQNR, dB")))
    if len(rows) > SHOWN:
        views.append(View(name="SQNR, all tensors", plot=_dots(by_sqnr, "sqnr_db", "SQNR, dB")))
    table = Table(
        headings=("tensor", "SQNR, dB", "cosine"),
        rows=tuple((row["tensor"], row["sqnr_db"], row["cosine"]) for row in by_sqnr),
    )
    title = "Fixed point against float"
    return Chart(key="against-float", title=title, caption=caption, views=tuple(views), table=table)


def _low(value: float | None) -> float:
    return float("inf") if value is None else float(value)


def _db(value: float | None) -> str:
    return "no error" if value is None else f"{value:.1f} dB"


def _cos(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _dots(rows: Sequence[Mapping[str, Any]], key: str, title: str) -> XY:
    shown = [row for row in rows if row[key] is not None]
    series = []
    for at, kind in enumerate(TENSOR_KINDS):
        mine = [row for row in shown if tensor_kind(row["tensor"]) == kind]
        if mine:
            series.append(
                Series(
                    name=kind,
                    x=tuple(row[key] for row in mine),
                    y=tuple(row["tensor"] for row in mine),
                    colour=SERIES[at],
                    symbol=SYMBOLS[at],
                    hover=tuple(
                        f"{row['tensor']}: {_db(row['sqnr_db'])}, cosine {_cos(row['cosine'])}" for row in mine
                    ),
                )
            )
    names = tuple(row["tensor"] for row in shown)
    height = 130 + 17 * len(names)
    return XY(series=tuple(series), x=Axis(title=title), y=Axis(title="", categories=names), height=height)


def saturation_table(numerics: Mapping[str, Any]) -> Table | None:
    """Codes that saturated, by tensor, most first; None where none did."""
    found = numerics.get("saturated_by_tensor") or {}
    rows = tuple(sorted(found.items(), key=lambda item: (-item[1], item[0])))
    return Table(headings=("tensor", "codes saturated"), rows=rows) if rows else None


def loss_table(numerics: Mapping[str, Any]) -> Table | None:
    """Loss by block and step."""
    losses = numerics.get("losses") or []
    if not losses or not losses[0]:  # inference has no loss
        return None
    headings = ("block", *(f"step {step}" for step in range(1, len(losses) + 1)))
    return Table(headings=headings, rows=tuple((name, *(step.get(name) for step in losses)) for name in losses[0]))
