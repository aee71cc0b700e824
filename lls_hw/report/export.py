"""Figures for papers: Matplotlib, no browser, the same bytes for the same numbers."""

import os
import re
from io import BytesIO, StringIO
from pathlib import Path

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
    import matplotlib as mpl

    from lls_hw.report.mpl_draw import RC, figure

    if not exported(page):
        return [f"{folder}: no figure to draw"]
    written = []
    with mpl.rc_context(dict(mpl.rcParamsDefault) | RC):
        drawn = [(chart, _bytes(figure(chart), kind)) for chart in exported(page)]
    try:
        folder.mkdir(exist_ok=True)
        for chart, data in drawn:
            target = folder / f"{page.kind}-{file_name(chart.key)}.{kind}"
            _write(target, data)
            written.append(f"{target}: {chart.title}")
    except OSError as error:
        raise SpecError(
            f"--{kind}", str(folder), f"it cannot be written ({error.strerror})", "Choose another."
        ) from None
    return written


def file_name(key: str) -> str:
    """A key without what file systems dislike.

    Examples
    --------
    >>> file_name("pareto-16x16"), file_name("pareto-../x y")
    ('pareto-16x16', 'pareto-x-y')
    """
    return re.sub(r"[^A-Za-z0-9]+", "-", key).strip("-")


def _bytes(drawn: "object", kind: str) -> bytes:
    from matplotlib.figure import Figure

    assert isinstance(drawn, Figure)
    if kind == "svg":
        text = StringIO()
        drawn.savefig(text, format="svg", metadata=METADATA["svg"])
        return text.getvalue().encode()
    data = BytesIO()
    drawn.savefig(data, format="png", metadata=METADATA["png"])
    return data.getvalue()


def _write(target: Path, data: bytes) -> None:
    """Whole or not at all."""
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_bytes(data)
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
