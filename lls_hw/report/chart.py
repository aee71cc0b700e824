"""The parts of a page: charts as plain descriptions, drawn by Plotly and by Matplotlib alike."""

from dataclasses import dataclass
from typing import Any, Literal

Cell = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Headings and rows; numbers stay numbers until they are shown."""

    headings: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One colour of a stacked bar: a value for each row."""

    name: str
    colour: str
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """The segments of one run; a second stack stands beside the first, hatched."""

    name: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """Horizontal stacked bars, a row of them for each label, the first on top."""

    rows: tuple[str, ...]
    stacks: tuple[Stack, ...]
    title: str
    unit: str

    def total(self, stack: int = 0) -> float:
        """Sum of everything one stack shows."""
        return sum(sum(segment.values) for segment in self.stacks[stack].segments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """A title with its unit; `categories` makes the axis one of names, the first on top."""

    title: str
    log: bool = False
    categories: tuple[str, ...] | None = None
    low: float | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """Points, or a line through them; `spread` is half an error bar of y."""

    name: str
    x: tuple[float | str, ...]
    y: tuple[float | str | None, ...]
    colour: str
    symbol: str = "circle"
    mode: Literal["lines", "markers", "lines+markers"] = "markers"
    dash: str = "solid"
    spread: tuple[float, ...] | None = None
    hover: tuple[str, ...] | None = None
    step: bool = False
    fill: bool = False
    size: float = 9
    legend: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class XY:
    """Series over two axes."""

    series: tuple[Series, ...]
    x: Axis
    y: Axis
    height: int = 420


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of one unit's time, and how much of it was work."""

    unit: str
    group: str
    start: float
    end: float
    share: float
    hover: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """A timeline: units from top to bottom, groups by colour."""

    spans: tuple[Span, ...]
    units: tuple[str, ...]
    colours: dict[str, str]
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """A value for each row and column; None where there is none."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    row_title: str
    column_title: str
    title: str


Plot = Bars | XY | Spans | Heat


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """One way of looking at a chart's numbers."""

    name: str
    plot: Plot


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A figure: what it shows in words, one or more views, and the numbers behind it.

    `key` is its name in the page and the name of its file. On paper the first view is drawn, or with
    `panels` all views side by side.
    """

    key: str
    title: str
    caption: str
    views: tuple[View, ...]
    table: Table
    panels: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A headline number, and lines that stand below it."""

    name: str
    value: str
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A heading, sentences, charts, and tables under their own headings."""

    key: str
    title: str
    text: tuple[str, ...] = ()
    charts: tuple[Chart, ...] = ()
    tables: tuple[tuple[str, Table], ...] = ()
    folded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Everything a page says, before it is HTML.

    `sweep` is what a sweep's page draws its own charts from; `figures` are charts that are only exported.
    """

    kind: str
    title: str
    subtitle: str
    cards: tuple[Card, ...] = ()
    sections: tuple[Section, ...] = ()
    sweep: dict[str, Any] | None = None
    figures: tuple[Chart, ...] = ()
    version: str = ""

    def charts(self) -> tuple[Chart, ...]:
        """Every chart that the page holds, in order."""
        return tuple(chart for section in self.sections for chart in section.charts)
