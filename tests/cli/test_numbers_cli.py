"""Every numeric option of every command: its range in --help, and one line for whatever is outside it."""

import re
from collections.abc import Iterator
from inspect import signature

import pytest

from lls_hw.cli import app, main
from lls_hw.commands.signature import _Reader
from lls_hw.models.spec.quantities import Real, Whole
from lls_hw.options.run import RunChoices

NEEDS = {
    "simulate": ["--net", "smallconv", "--rule", "lls"],
    "train": ["--net", "smallconv", "--rule", "lls"],
    "validate": ["--net", "smallconv", "--rule", "lls"],
    "replay": ["--net", "smallconv", "--rule", "lls"],
    "compare": ["--net", "smallconv"],
    "sweep": ["--net", "smallconv", "--rule", "lls", "--out", "s.db"],
    "optimize": ["--net", "smallconv", "--rule", "lls", "--out", "s.db"],
    "cycles": ["--topology", "t.csv"],
}
NO_NUMBERS = ("", "x", "٣", "nan", "1e400", "9" * 5000, "1_0")
LISTS = {
    "sweep": ("--batches", "--seeds", "--srams", "--arrays", "--bits", "--input"),
    "simulate": ("--array", "--bits", "--input"),
    "compare": ("--batches", "--array", "--bits", "--input"),
    "cycles": ("--array",),
}


def numeric() -> Iterator[tuple[str, str, Whole | Real]]:
    """(command, option, its quantity)."""
    for command in app.registered_commands:
        for parameter in signature(command.callback).parameters.values():
            for note in getattr(parameter.annotation, "__metadata__", ()):
                if isinstance(note.parser, _Reader):
                    yield command.name, note.parser.option, note.parser.quantity


NUMERIC = list(numeric())


def outside(quantity: Whole | Real) -> Iterator[str]:
    """Texts of numbers just below and above a range, and of ones that are no numbers of the kind."""
    if isinstance(quantity, Whole):
        yield from (str(quantity.least - 1), str(quantity.most + 1), "1.5", "1e1")
    else:
        yield from (repr(quantity.least * (1.01 if quantity.least < 0 else 0.99) or -1e-100), repr(quantity.most + 1))
        yield from ([repr(quantity.most)] if quantity.open else [])
    yield from NO_NUMBERS


def test_every_numeric_field__is_found() -> None:
    assert len(NUMERIC) > 40
    assert {"--batch", "--seed", "--sram", "--classes", "--temperature", "--lr", "--momentum", "--steps"} <= {
        option for name, option, _ in NUMERIC if name == "simulate"
    }
    assert RunChoices(net="n", rule="lls").temperature == 0.5


@pytest.mark.parametrize(("name", "option", "quantity"), NUMERIC)
def test_number__outside_its_range_is_one_line_with_the_range(
    name: str, option: str, quantity: Whole | Real, capsys: pytest.CaptureFixture[str], tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for text in outside(quantity):
        assert main([name, *NEEDS[name], f"{option}={text}"]) == 2, text
        out, err = capsys.readouterr()
        assert out == ""
        assert re.fullmatch(rf"lls-hw: {option} = .{{0,310}}: it takes a (whole )?number from .*\n", err), err
        assert quantity.range in err
    assert list(tmp_path.iterdir()) == []


def test_legal_sizes__that_no_memory_holds_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    huge = "1x1048576x1048576"
    assert main(["simulate", *NEEDS["simulate"], "--batch", "4", "--no-costs", "--quiet", "--input", huge]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert re.match(r"lls-hw: memory = .Unable to allocate [\d.]+ TiB", err), err


@pytest.mark.parametrize("name", NEEDS)
def test_help__has_every_range(name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("TERMINAL_WIDTH", "400")
    assert main([name, "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for command, option, quantity in NUMERIC:
        if command == name:
            assert re.search(rf"{option} .*?\({re.escape(quantity.range)}\)", shown), option


@pytest.mark.parametrize(("name", "option"), [(name, option) for name, options in LISTS.items() for option in options])
def test_list__with_something_else_than_numbers_is_one_line(
    name: str, option: str, capsys: pytest.CaptureFixture[str], tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "t.csv").write_text("L, M, N, K,\na, 1, 2, 3,\n")
    for text in NO_NUMBERS:
        for typed in (f"1,{text}", f"8x{text}"):
            assert main([name, *NEEDS[name], f"{option}={typed}"]) == 2, typed
            out, err = capsys.readouterr()
            assert (out, err.count("\n")) == ("", 1), err
            assert err.startswith(f"lls-hw: {option.removesuffix('s').removesuffix('e')}"), err
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
