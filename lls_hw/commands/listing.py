"""`lls-hw list`: what is shipped."""

from typing import TYPE_CHECKING, Annotated

import typer

from lls_hw.commands.shared import put_json
from lls_hw.commands.signature import Shown, with_options
from lls_hw.models.spec.choices import chosen
from lls_hw.options.results import ResultChoices

if TYPE_CHECKING:
    from lls_hw.models.registry import Shelf

SHELVES: dict[str, "Shelf"] = {"nets": "nets", "chips": "chips", "technologies": "technology"}


@with_options
def list_shelf(
    shelf: Annotated[str, typer.Argument(metavar="nets|rules|chips|technologies", help="What to list.")],
    results: Annotated[ResultChoices, Shown(fixed={"quiet": False})],
) -> None:
    """Names of what is shipped."""
    from lls_hw.models.registry import names
    from lls_hw.models.rules.registry import rules

    shelf = chosen("list", shelf, (*SHELVES, "rules"), "the lists are")
    notes = {name: rule.note for name, rule in rules().items()}
    found = notes if shelf == "rules" else dict.fromkeys(names(SHELVES[shelf]), "")
    if results.json is not None:
        put_json(results.json, lambda: {"schema": "lls-hw/list/1", shelf: list(found)})
        return
    width = max(len(name) for name in found)
    for name, note in found.items():
        typer.echo(f"{name:{width}}  {note}".rstrip())
