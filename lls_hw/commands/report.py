"""`lls-hw report`: a results file as one self-contained HTML page, and as figures for papers."""

from pathlib import Path
from typing import Annotated

import typer

from lls_hw.commands.shared import console_for
from lls_hw.commands.signature import with_options
from lls_hw.models.spec.errors import SpecError
from lls_hw.options.option import Option


@with_options
def report(
    file: Annotated[str, typer.Argument(metavar="RUN.json|TRAIN.json|COMPARE.json|SWEEP.db", help="Results to show.")],
    output: Annotated[str | None, Option("The page.", ("--output", "-o"), metavar="FILE.html")] = None,
    png: Annotated[str | None, Option("Also the figures, for papers.", metavar="DIR")] = None,
    svg: Annotated[str | None, Option("Also the figures, scalable.", metavar="DIR")] = None,
    title: Annotated[str | None, Option("Heading of the page.")] = None,
    quiet: Annotated[bool, Option("Say nothing.")] = False,
) -> None:
    """One HTML page that opens without a network; figures as PNG or SVG without a browser."""
    from lls_hw.files import Outputs
    from lls_hw.sweep.store import beside

    if output is None and png is None and svg is None:
        raise SpecError("-o", output, "there is nothing to write", "Give -o FILE.html, --png DIR or --svg DIR.")
    inputs = [("FILE", Path(file)), *(("FILE", Path(path)) for path in beside(file))]
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
