"""A page becomes one HTML file: text escaped, data embedded so that it cannot end a script, no address fetched."""

import json
from importlib import resources
from typing import Any

from lls_hw.files import package_version
from lls_hw.report.chart import Cell, Page, Table
from lls_hw.report.formatting import full
from lls_hw.report.plotly_draw import drawn
from lls_hw.report.style import DARK, LIGHT, SERIES, SYMBOLS, rule_colours

SCRIPTS = ("page.js", "sweep_data.js", "sweep_charts.js", "sweep.js")


def html(page: Page) -> str:
    """The whole page; about five megabytes, nearly all of them Plotly's script."""
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]

    shelf = PackageLoader("lls_hw.report", "templates")
    environment = Environment(
        loader=shelf, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["cell"] = full
    environment.filters["numeric"] = is_numeric
    return environment.get_template("page.html").render(
        page=page,
        version=package_version(),
        style=_asset("style.css"),
        script="".join(_asset(name) for name in SCRIPTS if page.sweep or name == "page.js"),
        plotly=get_plotlyjs(),
        data=embedded(page_data(page)),
    )


def page_data(page: Page) -> dict[str, Any]:
    """The data that the page's script reads."""
    return {
        "kind": page.kind,
        "themes": {"light": LIGHT, "dark": DARK},
        "series": SERIES,
        "symbols": SYMBOLS,
        "rules": rule_colours(),
        "charts": [drawn(chart) for chart in page.charts()],
        **(page.sweep or {}),
    }


def embedded(data: Any) -> str:  # noqa: ANN401  (any JSON)
    r"""JSON that is safe inside a script element.

    Examples
    --------
    >>> embedded({"name": "</script><b>&"})
    '{"name":"\\u003c/script\\u003e\\u003cb\\u003e\\u0026"}'
    """
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def is_numeric(table: Table, column: int) -> bool:
    """Whether a column holds numbers and is set to the right."""
    cells: list[Cell] = [row[column] for row in table.rows if row[column] is not None]
    return bool(cells) and all(isinstance(cell, (int, float)) for cell in cells)


def _asset(name: str) -> str:
    return (resources.files("lls_hw.report") / "templates" / name).read_text(encoding="utf-8")
