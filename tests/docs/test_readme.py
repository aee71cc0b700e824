"""What the README shows is what the program prints, and every example in a docstring runs."""

import doctest
import importlib
import pkgutil
import re
import shlex
from pathlib import Path

import pytest

import lls_hw
from lls_hw.cli import main

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"<!-- output: lls-hw (.*?) -->\n```text\n(.*?)```", README, re.DOTALL)
ELIDED = "..."


def test_readme__shows_output() -> None:
    assert SHOWN


@pytest.mark.parametrize(("command", "block"), SHOWN, ids=[command for command, _ in SHOWN])
def test_readme_output__is_real(command: str, block: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Every line of the block stands in the output, in order; '...' stands for lines left out."""
    assert main(shlex.split(command)) == 0
    printed = iter(line.rstrip() for line in capsys.readouterr().out.splitlines())
    for line in block.splitlines():
        if line.strip() != ELIDED:
            assert any(line.rstrip() == found for found in printed), f"not printed (any more): {line}"


def test_readme_commands__set_up_and_run() -> None:
    first = "python3 -m venv .venv && .venv/bin/pip install -c constraints.txt . && "
    second = 'python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e ".[test]" && .venv/bin/pytest'
    assert f"`{first}.venv/bin/lls-hw simulate --net vww_cnn --rule lls_m`" in README
    assert f"`{second}`" in README


MODULES = sorted(
    module.name for module in pkgutil.walk_packages(lls_hw.__path__, "lls_hw.") if not module.name.endswith("__main__")
)


@pytest.mark.parametrize("name", MODULES)
def test_docstrings__examples_run(name: str) -> None:
    module = importlib.import_module(name)
    outcome = doctest.testmod(module, optionflags=doctest.ELLIPSIS)
    assert outcome.failed == 0
