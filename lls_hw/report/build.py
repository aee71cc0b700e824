"""From a results file to its page, and the page to its file."""

from collections.abc import Iterator
from contextlib import contextmanager

from lls_hw.models.spec.errors import SpecError
from lls_hw.report.chart import Page
from lls_hw.report.source import Source, broken, read_source


def page_of(path: str, title: str | None = None) -> Page:
    """The page of a results file.

    Raises
    ------
    SpecError : the file is missing, broken, of another schema, or lacks what its schema promises.
    """
    source = read_source(path)
    with blamed(path):
        return _page(source, title)


@contextmanager
def blamed(path: str) -> Iterator[None]:
    """Numbers of the wrong kind or size are the fault of the results file, whose content is not trusted.

    Raises
    ------
    SpecError : anything inside failed on the file's contents.
    """
    try:
        yield
    except SpecError:
        raise
    except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError) as error:
        raise broken(path, f"{type(error).__name__}: {error}") from error


def _page(source: Source, title: str | None) -> Page:
    if source.kind == "run":
        from lls_hw.report.run_page import run_page

        return run_page(source.data, title)
    if source.kind == "train":
        from lls_hw.report.train_page import train_page

        return train_page(source.data, title)
    if source.kind == "compare":
        from lls_hw.report.compare_page import compare_page

        return compare_page(source.data, title)
    from lls_hw.report.sweep_page import sweep_page

    return sweep_page(source.data["rows"], source.path, title)


def write_page(page: Page, target: str) -> str:
    """Write the page whole or not at all; one line about it.

    Raises
    ------
    SpecError : the disk refuses.
    """
    from lls_hw.files import write_whole
    from lls_hw.report.page import html

    text = html(page)
    write_whole(target, text, "-o")
    return f"{target}: {len(text.encode()) / 1e6:.1f} MB, nearly all of it the chart library"
