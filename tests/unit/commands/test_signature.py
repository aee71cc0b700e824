"""Records of options become a command's options, and come back filled."""

from dataclasses import dataclass
from inspect import signature
from typing import Annotated

import pytest
import typer

from lls_hw.commands.signature import RefusedNumber, Shown, with_options
from lls_hw.models.spec.quantities import Whole
from lls_hw.options.option import Option


@dataclass(frozen=True, kw_only=True)
class Oven:
    """A record with an option of every kind."""

    dish: Annotated[str, Option("What is baked.")]
    minutes: Annotated[int, Option("How long.", ("--for",), quantity=Whole(least=1, most=90))] = 20
    fan: Annotated[bool, Option("Without the fan.", negated=True)] = True
    rack: int = 3


def run(command, *words: str) -> None:
    app = typer.Typer()
    app.command()(with_options(command))
    app(list(words), standalone_mode=False)


@pytest.fixture
def baked() -> list[tuple]:
    return []


@pytest.mark.parametrize(
    ("words", "oven"),
    [
        (["--dish", "bread"], Oven(dish="bread")),
        (["--dish", "bread", "--for", "35"], Oven(dish="bread", minutes=35)),
        (["--no-fan", "--dish", "bread"], Oven(dish="bread", fan=False)),
    ],
)
def test_record__is_filled_from_its_options(baked, words, oven) -> None:
    def bake(oven: Oven, loud: Annotated[bool, Option("Ring.")] = False) -> None:
        baked.append((oven, loud))

    run(bake, *words)
    run(bake, *words, "--loud")
    assert baked == [(oven, False), (oven, True)]


def test_shown__fixes_fields_and_changes_defaults(baked) -> None:
    def bake(oven: Annotated[Oven, Shown(fixed={"fan": False}, defaults={"minutes": 40})]) -> None:
        baked.append(oven)

    run(bake, "--dish", "tart")
    assert baked == [Oven(dish="tart", fan=False, minutes=40)]
    with pytest.raises(Exception, match="No such option"):
        run(bake, "--dish", "tart", "--no-fan")


def test_fields_without_an_option__are_none_of_the_command(baked) -> None:
    def bake(oven: Oven) -> None:
        baked.append(oven)

    with pytest.raises(Exception, match="No such option"):
        run(bake, "--dish", "tart", "--rack", "2")


def test_numbers__are_refused_by_their_range(baked) -> None:
    def bake(oven: Oven) -> None:
        baked.append(oven)

    with pytest.raises(RefusedNumber, match=r"--for = '91': it takes a whole number from 1 to 90\."):
        run(bake, "--dish", "tart", "--for", "91")
    assert baked == []


def test_order__is_the_records_but_for_options_behind_another() -> None:
    def bake(
        oven: Oven,
        *,
        loud: Annotated[bool, Option("Ring.")] = False,
        glaze: Annotated[bool, Option("Shine.", after="dish")] = False,
        sugar: Annotated[bool, Option("Sweet.", after="glaze")] = False,
    ) -> None:
        raise AssertionError("never called")

    assert list(signature(with_options(bake)).parameters) == ["dish", "glaze", "sugar", "minutes", "no_fan", "loud"]


def test_help__is_the_fields_with_prefix_and_range() -> None:
    def bake(oven: Annotated[Oven, Shown(prefix="At noon: ")]) -> None:
        raise AssertionError("never called")

    parameters = signature(with_options(bake)).parameters
    helps = {name: parameter.annotation.__metadata__[0].help for name, parameter in parameters.items()}
    assert helps == {
        "dish": "At noon: what is baked.",
        "minutes": "At noon: how long (1 to 90).",
        "no_fan": "At noon: without the fan.",
    }
