"""Options of every command that prints results."""

from dataclasses import dataclass
from typing import Annotated

from lls_hw.options.option import Option


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultChoices:
    """The places besides the terminal where results go."""

    json: Annotated[str | None, Option("Write everything as JSON.", metavar="FILE|-")] = None
    quiet: Annotated[bool, Option("No tables, no progress.")] = False
