"""Charts as Plotly's JSON, with colour tokens that the page replaces by the theme's colours."""

from html import escape
from typing import Any

from lls_hw.report.chart import XY, Axis, Bars, Chart, Heat, Plot, Series, Spans, Stack
from lls_hw.report.formatting import full, tick

FigureSpec = dict[str, Any]
ROW_PX, HEAD_PX = 17, 110
PATTERN = {"shape": "/", "fillmode": "overlay", "fgcolor": "@paper", "size": 6, "solidity": 0.45}


def drawn(chart: Chart) -> FigureSpec:
    """The data from which the page draws a chart: its views."""
    return {"key": chart.key, "views": [{"name": view.name, **figure(view.plot)} for view in chart.views]}


def figure(plot: Plot) -> FigureSpec:
    """Data and layout of one view."""
    match plot:
        case Bars():
            return _bars(plot)
        case XY():
            return _xy(plot)
        case Spans():
            return _spans(plot)
        case Heat():
            return _heat(plot)


def plain(text: str) -> str:
    """Text that Plotly must not read as its markup."""
    return escape(text, quote=False)


def _layout(height: int, x: FigureSpec, y: FigureSpec, **more: Any) -> FigureSpec:  # noqa: ANN401  (Plotly's own keys)
    return {"height": height, "xaxis": x, "yaxis": y, **more}


def _bars(plot: Bars) -> FigureSpec:
    rows = [plain(row) for row in plot.rows]
    data = [trace for at, stack in enumerate(plot.stacks) for trace in _stack(plot, stack, at, rows)]
    if len(plot.stacks) > 1:
        data.append(
            {
                "type": "bar", "orientation": "h", "name": plain(f"hatched: {plot.stacks[1].name}"), "x": [None],
                "y": [rows[0]], "offsetgroup": "1", "hoverinfo": "skip",
                "marker": {"color": "@grey", "pattern": PATTERN},
            }
        )  # fmt: skip
    each = ROW_PX if len(plot.stacks) == 1 else 24
    y = {"autorange": "reversed", "automargin": True, "type": "category", "dtick": 1}
    x = {"title": {"text": plain(plot.title)}, "rangemode": "tozero"}
    layout = _layout(max(230, HEAD_PX + each * len(rows)), x, y, barmode="stack", bargap=0.25, bargroupgap=0.05)
    return {"data": data, "layout": layout}


def _stack(plot: Bars, stack: Stack, at: int, rows: list[str]) -> list[FigureSpec]:
    return [
        {
            "type": "bar",
            "orientation": "h",
            "name": plain(segment.name),
            "x": list(segment.values),
            "y": rows,
            "offsetgroup": str(at),
            "legendgroup": plain(segment.name),
            "showlegend": at == 0 and (len(stack.segments) > 1 or len(plot.stacks) > 1),
            "marker": {
                "color": segment.colour,
                "line": {"color": "@paper", "width": 0.5},
                "pattern": PATTERN if at else {"shape": ""},
            },
            "customdata": [f"{full(_neat(value))} {plain(plot.unit)}" for value in segment.values],
            "hovertemplate": f"%{{y}}<br>{plain(stack.name)}, {plain(segment.name)}: %{{customdata}}<extra></extra>",
        }
        for segment in stack.segments
    ]


def _neat(value: float) -> float | int:
    return int(value) if float(value).is_integer() else value


def _axis(axis: Axis) -> FigureSpec:
    spec: FigureSpec = {"title": {"text": plain(axis.title)}}
    if axis.log:
        ticks = [10.0**power for power in range(-9, 13)]
        spec |= {"type": "log", "tickvals": ticks, "ticktext": [tick(one) for one in ticks]}
    if axis.categories is not None:
        names = [plain(name) for name in axis.categories]
        spec |= {
            "type": "category", "categoryorder": "array", "categoryarray": names, "autorange": "reversed",
            "automargin": True, "dtick": 1, "title": {"text": ""},
        }  # fmt: skip
    if axis.low == 0:
        spec |= {"rangemode": "tozero"}
    return spec


def _whole(series: tuple[Series, ...]) -> FigureSpec:
    """Ticks at whole numbers, at most a dozen."""
    values = [float(x) for one in series for x in one.x]
    return {"tickformat": "d", "tick0": 0, "dtick": max(1, -(-int(max(values) - min(values)) // 12))}


def _xy(plot: XY) -> FigureSpec:
    x = _axis(plot.x) | (_whole(plot.series) if plot.x.whole else {})
    layout = _layout(plot.height, x, _axis(plot.y), hovermode="closest")
    return {"data": [_series(series) for series in plot.series], "layout": layout}


def _series(series: Series) -> FigureSpec:
    trace: FigureSpec = {
        "type": "scatter",
        "mode": series.mode,
        "name": plain(series.name),
        "x": [plain(x) if isinstance(x, str) else x for x in series.x],
        "y": [plain(y) if isinstance(y, str) else y for y in series.y],
        "showlegend": series.legend,
        "marker": {
            "color": series.colour, "symbol": series.symbol, "size": series.size,
            "line": {"color": "@paper", "width": 1},
        },
        "line": {"color": series.colour, "width": 2, "dash": series.dash, "shape": "hv" if series.step else "linear"},
    }  # fmt: skip
    if series.fill:
        trace |= {"fill": "tozeroy", "fillcolor": "@fill"}
    if series.spread is not None:
        trace["error_y"] = {"type": "data", "array": list(series.spread), "color": series.colour, "thickness": 1}
    if series.hover is not None:
        trace["text"] = [plain(text) for text in series.hover]
        trace["hovertemplate"] = "%{text}<extra></extra>"
    return trace


def _spans(plot: Spans) -> FigureSpec:
    """Two bars a span: a faint one over its time, and a solid one as thick as the unit is busy."""
    data = []
    for group, colour in plot.colours.items():
        mine = [span for span in plot.spans if span.group == group]
        if not mine:
            continue
        common = {
            "type": "bar",
            "orientation": "h",
            "x": [span.end - span.start for span in mine],
            "base": [span.start for span in mine],
            "y": [span.unit for span in mine],
            "legendgroup": group,
            "name": plain(group),
        }
        faint = {"color": "@faint", "line": {"color": "@paper", "width": 0.5}}
        data.append({**common, "width": 0.84, "marker": faint, "hoverinfo": "skip", "showlegend": False})
        data.append(
            {
                **common,
                "width": [max(0.03, 0.84 * span.share) for span in mine],
                "marker": {"color": colour, "line": {"width": 0}},
                "text": [plain(span.hover) for span in mine],
                "textposition": "none",
                "hovertemplate": "%{text}<extra></extra>",
            }
        )
    y = {"type": "category", "categoryorder": "array", "categoryarray": list(plot.units), "autorange": "reversed"}
    x = {"title": {"text": plain(plot.title)}}
    return {
        "data": data,
        "layout": _layout(120 + 62 * len(plot.units), x, {**y, "automargin": True}, barmode="overlay"),
    }


def _heat(plot: Heat) -> FigureSpec:
    rows, columns = [plain(row) for row in plot.rows], [plain(column) for column in plot.columns]
    trace = {
        "type": "heatmap", "x": columns, "y": rows, "z": [list(row) for row in plot.values],
        "colorscale": [[0, "@low"], [1, "@high"]], "xgap": 2, "ygap": 2,
        "colorbar": {"title": {"text": plain(plot.title), "side": "right"}, "thickness": 12},
    }  # fmt: skip
    x = {"title": {"text": plain(plot.column_title)}, "type": "category"}
    y = {"title": {"text": plain(plot.row_title)}, "type": "category", "autorange": "reversed", "automargin": True}
    return {"data": [trace], "layout": _layout(140 + 48 * len(rows), x, y)}
