"""The output of every command: JSON to a file or standard output, tables to a console, progress."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from lls_hw.config import RunSpec
    from lls_hw.files import Outputs
    from lls_hw.models.data import Images
    from lls_hw.options.run import RunChoices

PIPE_COLUMNS = 132
"""Width of the tables where neither a terminal nor COLUMNS says another."""


def put_json(target: str | None, make: Callable[[], Mapping[str, Any] | list[Any]]) -> None:
    """Write data as JSON, to where the option leads; for None it is not even made."""
    from lls_hw.files import json_text, write_whole

    if target is not None:
        write_whole(target, json_text(make()), "--json")


def read_run(choices: "RunChoices", outputs: "Outputs", facts: list[str]) -> "tuple[RunSpec, Images | None]":
    """The run as described, and its pictures where it has numerics; what it reads is spared by what it writes.

    Parameters
    ----------
    facts : takes the lines that say what was adapted.
    """
    from lls_hw.config import files_read, resolve_run

    run, images = resolve_run(choices, facts.append)
    outputs.spare(files_read(choices, run, images))
    return run, images


def console_for(*, to_stderr: bool) -> "Console":
    """A console that prints every string as it stands, wide enough for the tables when nobody looks at it.

    Names, paths and sources are the user's: brackets and colons in them are no markup and no emoji.
    """
    from rich.console import Console

    console = Console(stderr=to_stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = PIPE_COLUMNS
    return console


@contextmanager
def progress_on(quiet: bool) -> Iterator[Callable[[str], None]]:
    """A line that names the work in hand, on a terminal; nothing in a pipe."""
    console = console_for(to_stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _: None
        return
    from rich.text import Text

    with console.status(Text("reading")) as status:
        yield lambda text: status.update(Text(text))


@contextmanager
def bar_on(quiet: bool, what: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar with rate (of `what` a second) and time left on a terminal; nothing in a pipe."""
    console = console_for(to_stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _text, _done, _total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("compiling" if what == "steps" else "starting", total=None, rate="")

        def show(text: str, done: int, total: int) -> None:
            speed = bar.tasks[task].speed
            rate = "" if speed is None else f"{speed:.1f} {what}/s"
            bar.update(task, description=text, completed=done, total=total, rate=rate)

        yield show
