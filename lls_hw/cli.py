"""The command line: finds the command, turns the user's errors into one line and status 2.

Engines, torch and rich's tables are imported inside the commands that need them, so that
`lls-hw --help` starts at once.
"""

import os
import signal
import sys
import warnings
from collections.abc import Sequence

import typer

from lls_hw.commands.compare import compare
from lls_hw.commands.cycles import cycles
from lls_hw.commands.listing import list_shelf
from lls_hw.commands.optimize import optimize
from lls_hw.commands.replay import replay
from lls_hw.commands.report import report
from lls_hw.commands.signature import RefusedNumber
from lls_hw.commands.simulate import simulate
from lls_hw.commands.sweep import sweep
from lls_hw.commands.train import train
from lls_hw.commands.validate import validate
from lls_hw.models.spec.errors import SpecError

app = typer.Typer(
    name="lls-hw",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="What does local learning cost on an edge accelerator, and does it still learn?",
)
app.command("simulate")(simulate)
app.command("train")(train)
app.command("validate")(validate)
app.command("replay")(replay)
app.command("compare")(compare)
app.command("sweep")(sweep)
app.command("optimize")(optimize)
app.command("cycles")(cycles)
app.command("report")(report)
app.command("list")(list_shelf)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 a check missed, 2 wrong input."""
    try:
        app(args=list(sys.argv[1:] if argv is None else argv), standalone_mode=True)
    except (SpecError, RefusedNumber) as error:
        sys.stderr.write(f"lls-hw: {error}\n")
        return 2
    except MemoryError as error:  # legal sizes, but not on this machine
        need = "the run needs more than this machine has"
        refusal = SpecError("memory", str(error), need, "Choose a smaller input, network or batch.")
        sys.stderr.write(f"lls-hw: {refusal}\n")
        return 2
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1
    return 0


def quieten_libraries() -> None:
    """Show no library's warnings, here or in child processes, unless somebody asked (`python -W`, PYTHONWARNINGS).

    They speak to developers: a user cannot act on them, and they would stand between the lines that matter.
    """
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
        os.environ["PYTHONWARNINGS"] = "ignore"


def end_at_once_on_interrupt() -> None:
    """Until a command listens for it, Ctrl-C ends this process without a word.

    As an exception in the middle of a library's import it would be swallowed, or end in a traceback.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def run() -> None:
    """Console script."""
    end_at_once_on_interrupt()
    quieten_libraries()
    sys.exit(main())
