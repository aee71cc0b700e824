"""The choices for one run, as typed."""

from dataclasses import dataclass, fields
from typing import Annotated, Any

from lls_hw.models.spec import quantities as q
from lls_hw.models.spec.geometry import NORMS
from lls_hw.options.option import Option
from lls_hw.sim.array import DATAFLOWS
from lls_hw.sim.mapping.objective import OBJECTIVES, ObjectiveName
from lls_hw.sim.schedule.names import SCHEDULES, RunOrder

WIDTHS = "Word widths: N, or roles w,a,e (2 to 16), m (8 to 32), acc (16 to 48)."
DEFAULT_BASELINE = "bp"
"""The rule whose costs the others are compared with."""
DEFAULT_OBJECTIVE: ObjectiveName = "energy"
"""The objective of mappings and schedules."""
DEFAULT_SCHEDULE: RunOrder = "best"
"""The way in which ops share their tiles."""


@dataclass(frozen=True, kw_only=True)
class DesignChoices:
    """One network under one rule on one chip."""

    net: Annotated[str, Option("Shipped network, FILE.toml, or module:attr.")]
    rule: Annotated[str, Option("Learning rule (see `lls-hw list rules`), or module:attr.")]
    chip: Annotated[str, Option("Shipped chip or FILE.toml.")] = "edge_16x16"
    array: Annotated[str | None, Option(f"Rows x columns of the array (each {q.ARRAY_SIDE.range}).", metavar="RxC")] = (
        None
    )
    dataflow: Annotated[str | None, Option("Stationary operand.", metavar="|".join(DATAFLOWS))] = None
    bits: Annotated[str, Option(WIDTHS, metavar="N|w8,a8,...")] = "8"
    sram_kib: Annotated[int | None, Option("Scratchpad capacity.", ("--sram",), metavar="KIB", quantity=q.SRAM_KIB)] = (
        None
    )
    dram: Annotated[str | None, Option("Kind of DRAM: lpddr3, lpddr4, lpddr4x, FILE.toml, or none.")] = None
    technology: Annotated[str | None, Option("Energy table; see `lls-hw list technologies`.")] = None
    objective: Annotated[str, Option("What mappings and schedules are chosen for.", metavar="|".join(OBJECTIVES))] = (
        DEFAULT_OBJECTIVE
    )
    fusion: Annotated[
        str, Option("Op by op, ops that share their tiles, or the best.", ("--schedule",), metavar="|".join(SCHEDULES))
    ] = DEFAULT_SCHEDULE
    batch: Annotated[int, Option("Images a step.", quantity=q.BATCH)] = 8
    accumulate: Annotated[int, Option("Batches whose mean gradient one update takes.", quantity=q.STEPS)] = 1
    steps: Annotated[int, Option("Training steps in integers; costs are of one.", quantity=q.STEPS)] = 1
    seed: Annotated[int, Option("Of weights, data and stochastic rounding.", quantity=q.SEED)] = 0


@dataclass(frozen=True, kw_only=True)
class LearningChoices:
    """The data and the constants of learning; the same for every point of a sweep."""

    data: Annotated[str, Option("synthetic, fashion-mnist[:DIR], vww:DIR, cifar10:PATH, npz:FILE, ...")] = "synthetic"
    input: Annotated[str | None, Option(f"Input shape (each {q.MAP_SIDE.range}).", metavar="CxHxW")] = None
    classes: Annotated[int | None, Option("Number of classes.", quantity=q.CLASSES)] = None
    temperature: Annotated[float, Option("Divides the local logits.", metavar="X", quantity=q.TEMPERATURE)] = 0.5
    waveform: Annotated[str, Option("Shape of the basis.", metavar="square|cosine")] = "square"
    learning_rate: Annotated[float, Option("Learning rate.", ("--lr",), metavar="X", quantity=q.RATE)] = 0.05
    optimizer: Annotated[str, Option("Update rule.", metavar="sgd|momentum|adam")] = "momentum"
    momentum: Annotated[float, Option("Momentum of the update.", metavar="X", quantity=q.SHARE)] = 0.9

    def learning(self) -> dict[str, Any]:
        """These fields by name, to describe a run of a sweep."""
        return {field.name: getattr(self, field.name) for field in fields(LearningChoices)}


@dataclass(frozen=True, kw_only=True)
class RunChoices(LearningChoices, DesignChoices):
    """The options that describe a run; `config.resolve_run` makes a description of them.

    Fields are listed in the order of `--help`: the design's, the learning's, then these.
    """

    numerics: Annotated[bool, Option("Costs alone.", negated=True)] = True
    costs: Annotated[bool, Option("Integers alone.", negated=True)] = True
    norm: Annotated[
        str | None, Option("Statistics that every block normalises with.", metavar="|".join(NORMS), after="net")
    ] = None
    baseline: Annotated[str, Option("Rule to compare the costs with.", metavar="RULE|none")] = DEFAULT_BASELINE
