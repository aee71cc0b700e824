"""Charts as Matplotlib draws them: for a page of a paper, in the same colours and marks."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lls_hw.report.chart import XY, Axis, Bars, Chart, Heat, Plot, Series, Spans, Stack
from lls_hw.report.formatting import short, tick
from lls_hw.report.style import DASHES, LIGHT, MPL_SYMBOLS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "text.parse_math": False,  # a dollar in a name is a dollar
    "axes.labelsize": 8,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": LIGHT["@muted"],
    "axes.linewidth": 0.7,
    "axes.axisbelow": True,
    "grid.color": LIGHT["@grid"],
    "grid.linewidth": 0.6,
    "legend.fontsize": 7.5,
    "legend.frameon": False,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "hatch.linewidth": 0.7,
    "svg.hashsalt": "lls-hw",
    "svg.fonttype": "path",
    "savefig.dpi": 300,
}
WIDTH_IN = 6.8


def figure(chart: Chart) -> "Figure":
    """A chart's first view, or all as panels, as wide as a page's text."""
    from matplotlib.figure import Figure

    plot = chart.views[0].plot
    if chart.panels and len(chart.views) > 1:
        return _panels(chart)
    drawn = Figure(figsize=(WIDTH_IN, height_in(plot)), layout="constrained")
    axes = drawn.add_subplot()
    axes.set_title(chart.title, loc="left")
    match plot:
        case Bars():
            _bars(axes, plot)
        case XY():
            _xy(axes, plot)
            _legend(axes, 3 if max(len(series.name) for series in plot.series) > 18 else 5)
        case Spans():
            _spans(axes, plot)
        case Heat():
            _heat(drawn, axes, plot)
    return drawn


def _panels(chart: Chart) -> "Figure":
    """Views side by side on the same axes under one legend."""
    from matplotlib.figure import Figure

    across = min(3, len(chart.views))
    down = -(-len(chart.views) // across)
    drawn = Figure(figsize=(WIDTH_IN, 0.9 + 2.4 * down), layout="constrained")
    grid = drawn.subplots(down, across, sharex=True, sharey=True, squeeze=False)
    named: dict[str, Any] = {}
    for at, axes in enumerate(grid.flat):
        if at >= len(chart.views):
            axes.set_visible(False)
            continue
        view = chart.views[at]
        assert isinstance(view.plot, XY), "only XY plots stand in panels"
        axes.set_title(view.name, loc="left")
        _xy(axes, view.plot)
        axes.label_outer()
        handles, labels = axes.get_legend_handles_labels()
        named = dict(zip(labels, handles, strict=True)) | named
    drawn.legend(list(named.values()), list(named), loc="outside upper left", ncols=5)
    return drawn


def height_in(plot: Plot) -> float:
    """Inches that a plot's rows need."""
    match plot:
        case Bars():
            return 1.1 + (0.17 if len(plot.stacks) == 1 else 0.24) * len(plot.rows)
        case Spans():
            return 1.2 + 0.5 * len(plot.units)
        case Heat():
            return 1.3 + 0.45 * len(plot.rows)
        case XY():
            rows = plot.y.categories
            return 3.4 if rows is None else 1.1 + 0.17 * len(rows)


def _colour(token: str) -> str:
    return LIGHT.get(token, token)


def _legend(axes: "Axes", columns: int) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if len(handles) > 1:
        rows = -(-len(handles) // columns)
        axes.set_title(axes.get_title(loc="left"), loc="left", pad=8 + 12 * rows)
        axes.legend(
            handles, labels, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=columns, borderaxespad=0.2,
            handlelength=1.4, columnspacing=1.2,
        )  # fmt: skip


def _bars(axes: "Axes", plot: Bars) -> None:
    from matplotlib.ticker import FuncFormatter

    count = len(plot.stacks)
    thick = 0.78 / count
    for at, stack in enumerate(plot.stacks):
        offsets = [row - 0.39 + thick * (at + 0.5) for row in range(len(plot.rows))]
        _stack(axes, stack, offsets, thick, hatched=at > 0)
    if count > 1:
        axes.barh(
            [0], [0], color=LIGHT["@grey"], hatch="//////", edgecolor="white", label=f"hatched: {plot.stacks[1].name}"
        )
    axes.set_yticks(range(len(plot.rows)), plot.rows)
    axes.set_ylim(len(plot.rows) - 0.5, -0.5)
    axes.set_xlim(left=0)
    axes.set_xlabel(plot.title)
    axes.xaxis.set_major_formatter(FuncFormatter(tick))
    axes.grid(axis="x")
    axes.tick_params(axis="y", length=0)
    _legend(axes, 4)


def _stack(axes: "Axes", stack: Stack, offsets: Sequence[float], thick: float, *, hatched: bool) -> None:
    left = [0.0] * len(offsets)
    for segment in stack.segments:
        extra: dict[str, Any] = {"hatch": "//////"} if hatched else {"label": segment.name}
        axes.barh(
            offsets, segment.values, left=left, height=thick * 0.94, color=_colour(segment.colour), edgecolor="white",
            linewidth=0.3, **extra,
        )  # fmt: skip
        left = [start + value for start, value in zip(left, segment.values, strict=True)]


def _scale(axes: "Axes", axis: Axis, which: str) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    getattr(axes, f"set_{which}label")(axis.title)
    part = getattr(axes, f"{which}axis")
    if axis.log:
        getattr(axes, f"set_{which}scale")("log")
        low, high = getattr(axes, f"get_{which}lim")()
        few = high / low < 30
        part.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if few else (1.0,)))
        part.set_minor_formatter(NullFormatter())
    if axis.log or axis.categories is None:
        part.set_major_formatter(FuncFormatter(tick))
    if axis.whole:
        part.set_major_locator(MaxNLocator(integer=True))


def _xy(axes: "Axes", plot: XY) -> None:
    names = plot.y.categories
    places = {name: at for at, name in enumerate(names)} if names is not None else None
    for series in plot.series:
        _series(axes, series, places)
    _scale(axes, plot.x, "x")
    _scale(axes, plot.y, "y")
    if names is not None:
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
    if plot.y.low is not None:
        axes.set_ylim(bottom=plot.y.low)
    if plot.x.low is not None:
        axes.set_xlim(left=plot.x.low)
    axes.grid(visible=True)


def _series(axes: "Axes", series: Series, places: dict[str, int] | None) -> None:
    kept = [(x, y) for x, y in zip(series.x, series.y, strict=True) if y is not None]
    xs = [x for x, _ in kept]
    ys = [places[str(y)] if places is not None else y for _, y in kept]
    colour, line = _colour(series.colour), "lines" in series.mode
    label = series.name if series.legend else "_" + series.name
    axes.plot(
        xs, ys, color=colour, label=label, linestyle=DASHES[series.dash] if line else "none",
        linewidth=0.9 if series.step else 1.3, drawstyle="steps-post" if series.step else "default",
        marker=MPL_SYMBOLS[series.symbol] if "markers" in series.mode else "none",
        markersize=math.sqrt(series.size) * 1.75, markeredgecolor="white", markeredgewidth=0.4,
        zorder=2 if line else 3,
    )  # fmt: skip
    if series.fill:
        axes.fill_between(xs, ys, step="post" if series.step else None, color=colour, alpha=0.15, linewidth=0)
    if series.spread is not None:
        axes.errorbar(xs, ys, yerr=series.spread, fmt="none", ecolor=colour, elinewidth=0.8, capsize=2)


def _spans(axes: "Axes", plot: Spans) -> None:
    from matplotlib.ticker import FuncFormatter

    place = {unit: at for at, unit in enumerate(plot.units)}
    named: set[str] = set()
    for group, token in plot.colours.items():
        for span in (span for span in plot.spans if span.group == group):
            at, length = place[span.unit], span.end - span.start
            axes.barh(at, length, left=span.start, height=0.84, color=LIGHT["@grid"], linewidth=0, zorder=1)
            label = group if group not in named else "_"
            named.add(group)
            thick = max(0.03, 0.84 * span.share)
            axes.barh(
                at, length, left=span.start, height=thick, color=_colour(token), linewidth=0, zorder=2, label=label
            )
    axes.set_yticks(range(len(plot.units)), plot.units)
    axes.set_ylim(len(plot.units) - 0.5, -0.5)
    axes.set_xlim(0, max(span.end for span in plot.spans))
    axes.set_xlabel(plot.title)
    axes.xaxis.set_major_formatter(FuncFormatter(tick))
    axes.tick_params(axis="y", length=0)
    _legend(axes, 6)


def _heat(drawn: "Figure", axes: "Axes", plot: Heat) -> None:
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.ticker import FuncFormatter

    colours = LinearSegmentedColormap.from_list("low to high", [LIGHT["@low"], LIGHT["@high"]])
    numbers = [[math.nan if value is None else value for value in row] for row in plot.values]
    picture = axes.imshow(numbers, cmap=colours, aspect="auto")
    known = [value for row in plot.values for value in row if value is not None]
    strong = min(known) + 0.75 * (max(known) - min(known)) if known else 0.0
    for r, row in enumerate(plot.values):
        for c, value in enumerate(row):
            if value is not None:
                axes.text(
                    c, r, short(value), ha="center", va="center", color="white" if value > strong else LIGHT["@ink"]
                )
    axes.set_xticks(range(len(plot.columns)), plot.columns)
    axes.set_yticks(range(len(plot.rows)), plot.rows)
    axes.set_xlabel(plot.column_title)
    axes.set_ylabel(plot.row_title)
    axes.tick_params(length=0)
    bar = drawn.colorbar(picture, ax=axes, label=plot.title)
    bar.ax.yaxis.set_major_formatter(FuncFormatter(tick))
