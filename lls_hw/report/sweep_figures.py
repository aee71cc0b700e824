"""A sweep's first picture and its heat map as charts for papers."""

import statistics
from collections.abc import Mapping, Sequence

from lls_hw.report.chart import XY, Axis, Chart, Heat, Series, Table, View
from lls_hw.report.style import SERIES, SYMBOLS, rule_colours
from lls_hw.report.sweep_data import Design, Measure, PointRow, by_size, designs, number
from lls_hw.sweep.pareto import front_line


def sweep_figures(
    rows: Sequence[PointRow], measures: Sequence[Measure], default: Mapping[str, str]
) -> tuple[Chart, ...]:
    """The Pareto picture with its panels, and the heat map of its x."""
    known = {measure.key: measure for measure in measures}
    x, y = known[default["x"]], known[default["y"]]
    facet = default["facet"]
    panels = by_size([row.get(facet) for row in rows]) if facet else [None]
    views, points = [], designs(rows, x.key, y.key)
    for panel in panels:
        inside = [point for point in points if not facet or point.row.get(facet) == panel]
        if inside:
            series = (*_marks(rows, inside, default), _line(inside, x, y))
            plot = XY(series=series, x=Axis(title=x.title, log=x.log), y=Axis(title=y.title, log=y.log))
            views.append(View(name=f"{facet} {panel}" if facet else "", plot=plot))
    return (*((_pareto(points, (x, y), default, views),) if views else ()), _heat(rows, x))


def _pareto(
    points: Sequence[Design], measures: tuple[Measure, Measure], default: Mapping[str, str], views: Sequence[View]
) -> Chart:
    x, y = measures
    shown = tuple(dict.fromkeys(key for key in (default["colour"], default["symbol"], default["facet"]) if key))
    table = Table(
        headings=(*shown, x.title, y.title, "standard deviation", "seeds"),
        rows=tuple((*(p.row.get(key) for key in shown), p.x, p.y, p.spread, p.seeds) for p in points),
    )
    caption = f"{y.title} against {x.title}"
    return Chart(key="pareto", title=caption, caption=caption, views=tuple(views), table=table, panels=True)


def _marks(rows: Sequence[PointRow], points: Sequence[Design], default: Mapping[str, str]) -> list[Series]:
    """A series for each colour and symbol; the legend names a colour once and a symbol once."""
    key, mark = default["colour"], default["symbol"]
    colours, marks = by_size([row.get(key) for row in rows]), by_size([row.get(mark) for row in rows])
    own = rule_colours() if key == "rule" else {}
    series = []
    for at, colour in enumerate(colours):
        for index, symbol in enumerate(marks):
            mine = [p for p in points if p.row.get(key) == colour and p.row.get(mark) == symbol]
            if mine:
                series.append(
                    Series(
                        name=f"{colour}" if key == mark else f"{colour}, {symbol} {mark}",
                        x=tuple(p.x for p in mine),
                        y=tuple(p.y for p in mine),
                        colour=own.get(str(colour), SERIES[at % len(SERIES)]),
                        symbol=SYMBOLS[index % len(SYMBOLS)],
                        spread=tuple(p.spread for p in mine) if any(p.spread for p in mine) else None,
                    )
                )
    return series


def _line(points: Sequence[Design], x: Measure, y: Measure) -> Series:
    pairs = [(p.x, p.y) for p in points]
    kept = [points[at] for at in front_line(pairs, lower_x=x.better <= 0, lower_y=y.better <= 0)]
    return Series(
        name="Pareto front", x=tuple(p.x for p in kept), y=tuple(p.y for p in kept), colour="@muted", mode="lines",
        dash="dot", step=x.better <= 0,
    )  # fmt: skip


def _heat(rows: Sequence[PointRow], measure: Measure) -> Chart:
    """Array against bits: the best of each cell."""
    arrays, bits = by_size([row.get("array") for row in rows]), by_size([row.get("bits") for row in rows])
    best = max if measure.better > 0 else min
    values = []
    for array in arrays:
        cells = [
            [
                n
                for row in rows
                if (row.get("array"), row.get("bits")) == (array, bit)
                and (n := number(row.get(measure.key))) is not None
            ]
            for bit in bits
        ]
        values.append(tuple(best(cell) if cell else None for cell in cells))
    plot = Heat(
        rows=tuple(map(str, arrays)), columns=tuple(map(str, bits)), values=tuple(values), row_title="array",
        column_title="bits", title=measure.title,
    )  # fmt: skip
    found = [value for row in values for value in row if value is not None]
    caption = f"{measure.title}: the best of the points with the same array and bits"
    if found:
        caption += f", median {statistics.median(found):.4g}"
    table = Table(
        headings=("array", *map(str, bits)), rows=tuple((str(a), *v) for a, v in zip(arrays, values, strict=True))
    )
    return Chart(key="heat", title="Array × bits", caption=caption, views=(View(name="", plot=plot),), table=table)
