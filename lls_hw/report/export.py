"""Figures for papers: Matplotlib, no browser, the same bytes for the same numbers."""

import os
import re
from io import BytesIO
from pathlib import Path

from lls_hw.files import write_whole
from lls_hw.models.spec.errors import SpecError
from lls_hw.report.chart import Chart, Page

METADATA: dict[str, dict[str, str | None]] = {"svg": {"Date": None, "Creator": "lls-hw"}, "png": {"Software": None}}


def folder_for(option: str, path: str) -> Path:
    """The folder of the figures, made if only it is missing.

    Raises
    ------
    SpecError : its parent is missing, it is a file, or it cannot be written.
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise SpecError(option, path, "it is a file", "Give the name of a folder.")
    if not folder.exists() and not folder.parent.is_dir():
        raise SpecError(option, path, f"the folder '{folder.parent}' does not exist", "Create it first.")
    if not os.access(folder if folder.exists() else folder.parent, os.W_OK):
        raise SpecError(option, path, "the folder cannot be written", "Choose another.")
    return folder


def exported(page: Page) -> tuple[Chart, ...]:
    """The key figures of a page."""
    return (*page.charts(), *page.figures)


def export(page: Page, folder: Path, kind: str) -> list[str]:
    """Draw every key figure; one line each about the files.

    Raises
    ------
    SpecError : the disk refuses.
    """
    files = figure_files(page, folder, kind)
    if not files:
        return [f"{folder}: no figure to draw"]
    option = f"--{kind}"
    pictures = {target: drawn(chart, kind) for target, chart in files.items()}
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise SpecError(option, str(folder), f"it cannot be made ({error.strerror})", "Choose another.") from None
    for target, data in pictures.items():
        write_whole(str(target), data, option)
    return [f"{target}: {chart.title}" for target, chart in files.items()]


def figure_files(page: Page, folder: Path, kind: str) -> dict[Path, Chart]:
    """The files that `export` writes, and what each shows."""
    return {folder / f"{page.kind}-{file_name(chart.key)}.{kind}": chart for chart in exported(page)}


def file_name(key: str) -> str:
    """A key without what file systems dislike.

    Examples
    --------
    >>> file_name("pareto-16x16"), file_name("pareto-../x y")
    ('pareto-16x16', 'pareto-x-y')
    """
    return re.sub(r"[^A-Za-z0-9]+", "-", key).strip("-")


def drawn(chart: Chart, kind: str) -> bytes:
    """A chart as an SVG or PNG file: the same bytes for the same numbers."""
    import matplotlib as mpl

    from lls_hw.report.mpl_draw import RC, figure

    data = BytesIO()
    with mpl.rc_context(dict(mpl.rcParamsDefault) | RC):
        figure(chart).savefig(data, format=kind, metadata=METADATA[kind])
    return data.getvalue()
