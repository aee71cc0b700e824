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
    from lls_hw.files import Outputs
    from lls_hw.sweep.store import BESIDE

    if output is None and png is None and svg is None:
        raise SpecError("-o", output, "there is nothing to write", "Give -o FILE.html, --png DIR or --svg DIR.")
    inputs = [("FILE", Path(file)), *(("FILE", Path(f"{file}{ending}")) for ending in BESIDE)]
    outputs = Outputs({"-o": output})
    outputs.spare(inputs)
    from lls_hw.report.build import blamed, page_of, write_page
    from lls_hw.report.export import export, figure_files, folder_for

    folders = [(kind, folder_for(f"--{kind}", path)) for kind, path in (("png", png), ("svg", svg)) if path is not None]
    page = page_of(file, title)
    written = []
    with blamed(file):
        for kind, folder in folders:
            for path in figure_files(page, folder, kind):
                outputs.add(f"--{kind}", str(path))
        outputs.spare(inputs)
        if output is not None:
            written.append(write_page(page, output))
        for kind, folder in folders:
            written += export(page, folder, kind)
    if not quiet:
        for line in written:
            console_for(to_stderr=outputs.use_stdout).print(line, soft_wrap=True)
