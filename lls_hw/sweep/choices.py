"""The choices for a sweep, as typed, and the reading of its lists: `8x8,16x16`, `4,8,16`, `w4,a8,e8;8`."""

import re
from dataclasses import dataclass
from typing import Annotated

from lls_hw.models.spec import quantities as q
from lls_hw.models.spec.errors import SpecError
from lls_hw.options.option import Option
from lls_hw.options.run import DEFAULT_BASELINE, DEFAULT_OBJECTIVE, DEFAULT_SCHEDULE, LearningChoices
from lls_hw.sim.array import DATAFLOWS
from lls_hw.sim.mapping.objective import OBJECTIVES
from lls_hw.sim.schedule.names import SCHEDULES


@dataclass(frozen=True, kw_only=True)
class AxisChoices:
    """Lists whose combinations are the points; a list is None where the chip's own value holds."""

    nets: Annotated[str, Option("Networks, as of `simulate`.", ("--net", "--nets"), metavar="N[,N]")]
    rules: Annotated[str, Option("Learning rules.", ("--rule", "--rules"), metavar="R[,R]")]
    chips: Annotated[str, Option("Shipped chips or FILE.toml.", ("--chips", "--chip"), metavar="C[,C]")] = "edge_16x16"
    arrays: Annotated[
        str | None, Option(f"Arrays (sides {q.ARRAY_SIDE.range}).", ("--arrays", "--array"), metavar="RxC[,RxC]")
    ] = None
    dataflows: Annotated[
        str | None, Option("Stationary operands.", ("--dataflows", "--dataflow"), metavar=",".join(DATAFLOWS))
    ] = None
    bits: Annotated[str, Option("Word widths; role lists with ; between.", metavar="4,8 | w4,a8;8")] = "8"
    srams: Annotated[
        str | None, Option(f"Scratchpad capacities ({q.SRAM_KIB.range}).", ("--srams", "--sram"), metavar="KIB[,KIB]")
    ] = None
    technologies: Annotated[
        str | None, Option("Energy tables.", ("--technologies", "--technology"), metavar="T[,T]")
    ] = None
    objective: Annotated[
        str,
        Option("Objectives of mappings and schedules, one point each.", ("--objective",), metavar=",".join(OBJECTIVES)),
    ] = DEFAULT_OBJECTIVE
    fusions: Annotated[str, Option("How ops share their tiles.", ("--schedules",), metavar=",".join(SCHEDULES))] = (
        DEFAULT_SCHEDULE
    )
    batches: Annotated[str, Option(f"Images a step ({q.BATCH.range}).", ("--batches", "--batch"), metavar="1,8")] = "8"
    seeds: Annotated[
        str, Option(f"Of trainings; costs have none ({q.SEED.range}).", ("--seeds", "--seed"), metavar="0,1,2")
    ] = "0"


@dataclass(frozen=True, kw_only=True)
class SweepChoices(LearningChoices, AxisChoices):
    """The options of a sweep's points; `grid.Grid` makes points of them."""

    baseline: Annotated[str, Option("Rule beside which ratios are taken.", metavar="RULE|none")] = DEFAULT_BASELINE


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepWork:
    """The database of a sweep, and its workers."""

    out: Annotated[str, Option("Database: results so far, and where new ones go.", metavar="FILE.db", after="rules")]
    jobs: Annotated[int | None, Option("Worker processes, a core each if not given.", quantity=q.JOBS)] = None
    cluster: Annotated[str | None, Option("Dask scheduler to send the work to.", metavar="tcp://HOST:PORT")] = None
    retry_failed: Annotated[bool, Option("Evaluate again what failed before.")] = False


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


def split_numbers(option: str, text: str, quantity: q.Whole) -> tuple[int, ...]:
    """Whole numbers with commas between, each once.

    Raises
    ------
    SpecError : one is no number, outside its range, or given twice.

    Examples
    --------
    >>> split_numbers("--batches", "1,8", q.BATCH)
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
