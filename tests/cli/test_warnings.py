"""Libraries' warnings: none on a user's screen, all of them errors in tests and in what tests start."""

import pytest

from tests.children import LONGEST_S, python, started

WARNS = """
import subprocess, sys, warnings
from lls_hw import cli

@cli.app.command()
def warn():
    warnings.warn("here")
    subprocess.run([sys.executable, "-c", "import warnings; warnings.warn('there')"], check=True)

cli.run()
"""


def test_run__shows_no_warning_of_this_process_or_a_child() -> None:
    assert python("-c", WARNS, "warn", PYTHONWARNINGS="") == ("", "")


@pytest.mark.parametrize(("asked", "found"), [("default", ("here", "there")), ("error", ("here",))])
def test_run__shows_warnings_to_those_who_ask(asked: str, found: tuple[str, ...]) -> None:
    with started("-c", WARNS, "warn", PYTHONWARNINGS=asked) as child:
        _, err = child.communicate(timeout=LONGEST_S)
    assert [line for line in ("here", "there") if f"UserWarning: {line}" in err] == list(found)
    assert child.returncode == (asked == "error")


@pytest.mark.parametrize(
    "code",
    [
        "warnings.warn('aloud')",
        "import threading; threading.Thread(target=warnings.warn, args=('beside',)).start()",
        "Late = type('Late', (), {'__del__': lambda self: warnings.warn('late')}); Late()",
        "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import warnings; warnings.warn(0)'])",
    ],
    ids=["aloud", "in a thread", "in a finalizer", "in a grandchild"],
)
def test_children__fail_their_test_by_a_warning(code: str) -> None:
    with pytest.raises(AssertionError, match="Warning"):
        python("-c", f"import warnings; {code}")
