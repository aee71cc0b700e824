"""How lists are typed: `8x8,16x16`, `4,8,16`, `w4,a8,e8;8`."""

import re
from dataclasses import dataclass

from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.quantities import Whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The options of a sweep as typed; a list option is None where it was not given."""

    nets: str
    rules: str
    chips: str = "edge_16x16"
    arrays: str | None = None
    dataflows: str | None = None
    bits: str = "8"
    srams: str | None = None
    technologies: str | None = None
    batches: str = "8"
    seeds: str = "0"
    data: str = "synthetic"
    input: str | None = None
    classes: int | None = None
    temperature: float = 0.5
    waveform: str = "square"
    learning_rate: float = 0.05
    optimizer: str = "momentum"
    momentum: float = 0.9
    baseline: str = "bp"


def split_list(option: str, text: str) -> tuple[str, ...]:
    """Values with commas between, each once.

    Raises
    ------
    SpecError : none, an empty one, or the same twice.

    Examples
    --------
    >>> split_list("--arrays", "8x8, 16x16")
    ('8x8', '16x16')
    """
    parts = tuple(part.strip() for part in text.split(","))
    if not all(parts):
        raise SpecError(option, text, "it takes values with commas between", "Remove the empty one.")
    if len(set(parts)) < len(parts):
        raise SpecError(option, text, "a value is given twice", "Give each once.")
    return parts


def split_numbers(option: str, text: str, quantity: Whole) -> tuple[int, ...]:
    """Whole numbers with commas between, each once.

    Raises
    ------
    SpecError : one is no number, outside its range, or given twice.

    Examples
    --------
    >>> split_numbers("--batches", "1,8", BATCH)
    (1, 8)
    """
    numbers = []
    for part in split_list(option, text):
        try:
            numbers.append(quantity.read(option, part))
        except SpecError:
            need = f"'{part}' is no whole number from {quantity.range}"
            raise SpecError(option, text, need, "Write numbers with commas between, such as 1,8.") from None
    if len(set(numbers)) < len(numbers):
        raise SpecError(option, text, "a value is given twice", "Give each once.")
    return tuple(numbers)


def split_bits(text: str) -> tuple[str, ...]:
    """Precisions: numbers with commas between; role lists (which have commas themselves) with `;` or `+` between.

    Raises
    ------
    SpecError : none, an empty one, or the same twice.

    Examples
    --------
    >>> split_bits("4,8,16"), split_bits("4,8;w4,a8,e8"), split_bits("w4,a8")
    (('4', '8', '16'), ('4', '8', 'w4,a8,e8'), ('w4,a8',))
    """
    found: list[str] = []
    for part in re.split(r"[;+]", text):
        if not part.strip():
            raise SpecError("--bits", text, "a precision between ';' is empty", "Write, for example, w4,a8,e8;8.")
        found += split_list("--bits", part) if re.fullmatch(r"[0-9,\s]+", part) else [part.strip()]
    if len(set(found)) < len(found):
        raise SpecError("--bits", text, "a value is given twice", "Give each once.")
    return tuple(found)
