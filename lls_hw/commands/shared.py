"""How every command talks: JSON to a file or standard output, tables to a console, progress."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console


def put_json(target: str | None, data: Mapping[str, Any] | list[Any]) -> None:
    """Write data as JSON: to standard output for "-", whole to a file, or nowhere."""
    from lls_hw.files import json_text, write_whole

    if target == "-":
        sys.stdout.write(json_text(data))
    elif target is not None:
        write_whole(target, json_text(data))


def console_for(*, to_stderr: bool) -> "Console":
    """A console that is wide enough for the tables when nobody looks at it."""
    from rich.console import Console

    console = Console(stderr=to_stderr, highlight=False)
    return console if console.is_terminal else Console(stderr=to_stderr, highlight=False, width=132)


@contextmanager
def progress_on(quiet: bool) -> Iterator[Callable[[str], None]]:
    """What is being done, on a terminal; nothing in a pipe."""
    console = console_for(to_stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _: None
        return
    with console.status("reading") as status:
        yield status.update


@contextmanager
def bar_on(quiet: bool, what: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar with rate (of `what` a second) and time left on a terminal; nothing in a pipe."""
    console = console_for(to_stderr=True)
    if quiet or not console.is_terminal:
        yield lambda _text, _done, _total: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("compiling" if what == "steps" else "starting", total=None, rate="")

        def show(text: str, done: int, total: int) -> None:
            speed = bar.tasks[task].speed
            rate = "" if speed is None else f"{speed:.1f} {what}/s"
            bar.update(task, description=text, completed=done, total=total, rate=rate)

        yield show
