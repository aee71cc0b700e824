"""`lls-hw report`: a results file as one self-contained HTML page, and as figures for papers."""

from pathlib import Path
from typing import Annotated

import typer

from lls_hw.commands.shared import console_for
from lls_hw.models.spec.errors import SpecError


def report(
    file: Annotated[str, typer.Argument(metavar="RUN.json|TRAIN.json|COMPARE.json|SWEEP.db", help="Results to show.")],
    output: Annotated[str | None, typer.Option("--output", "-o", metavar="FILE.html", help="The page.")] = None,
    png: Annotated[str | None, typer.Option("--png", metavar="DIR", help="Also the figures, for papers.")] = None,
    svg: Annotated[str | None, typer.Option("--svg", metavar="DIR", help="Also the figures, scalable.")] = None,
    title: Annotated[str | None, typer.Option(help="Heading of the page.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing.")] = False,
) -> None:
    """One HTML page that opens without a network; figures as PNG or SVG without a browser."""
    from lls_hw.files import refuse_bad_target

    if output is None and png is None and svg is None:
        raise SpecError("-o", output, "there is nothing to write", "Give -o FILE.html, --png DIR or --svg DIR.")
    if output is not None:
        refuse_bad_target("-o", output)
        _refuse_input(file, output)
    from lls_hw.report.build import blamed, page_of, write_page
    from lls_hw.report.export import export, folder_for

    folders = [(kind, folder_for(f"--{kind}", path)) for kind, path in (("png", png), ("svg", svg)) if path is not None]
    page = page_of(file, title)
    written = []
    with blamed(file):
        if output is not None:
            written.append(write_page(page, output))
        for kind, folder in folders:
            written += export(page, folder, kind)
    if not quiet:
        for line in written:
            console_for(to_stderr=False).print(line, soft_wrap=True)


def _refuse_input(file: str, output: str) -> None:
    """The page must not take the place of its own results."""
    source, target = Path(file), Path(output)
    if source.is_file() and target.is_file() and source.samefile(target):
        name = source.with_suffix(".html").name if source.suffix != ".html" else f"{source.stem}-report.html"
        raise SpecError("-o", output, "it is the file the report is made from", f"Give another name, such as {name}.")
