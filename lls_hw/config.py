"""From what the user typed to one resolved description of a run."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, cast

from pydantic import Field

from lls_hw.models.data import Images, kind_of, load_data
from lls_hw.models.program.lower import lower
from lls_hw.models.program.program import Program
from lls_hw.models.registry import dram_device, load, load_network
from lls_hw.models.rules.registry import parse_rule, rule_name
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.base import Spec
from lls_hw.models.spec.choices import chosen
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.geometry import NORMS, Norm, PoolLayer
from lls_hw.models.spec.imported import file_of
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.precision import Precision, parse_bits
from lls_hw.models.spec.quantities import BATCH, MAP_SIDE, SEED, STEPS, read_sides
from lls_hw.models.spec.resolve import resolve
from lls_hw.models.spec.rule import OptimizerSpec, RuleSpec
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.options.run import DEFAULT_BASELINE, DEFAULT_OBJECTIVE, DEFAULT_SCHEDULE, RunChoices
from lls_hw.sim.array import named_dataflow
from lls_hw.sim.mapping.objective import PRICED, Objective, ObjectiveName, named_objective, objective_on
from lls_hw.sim.schedule.names import RunOrder, named_schedule

FLEXIBLE_DATA = ("synthetic", "vww", "imagenette", "folder")
"""Data whose pictures are made or cut to the network's input; the others' own shape is the input."""


class RunSpec(Spec):
    """Everything that decides a simulated number, resolved; printed as `inputs` of a run.

    `batch` images a step, `accumulate` batches an update, `steps` updates of numerics; costs are always of one.
    """

    network: NetworkSpec
    rule: RuleSpec
    precision: Precision
    optimizer: OptimizerSpec
    chip: AcceleratorSpec
    technology: str
    objective: ObjectiveName = DEFAULT_OBJECTIVE
    schedule: RunOrder = DEFAULT_SCHEDULE
    batch: Annotated[int, Field(**BATCH.bounds)]
    accumulate: Annotated[int, Field(**STEPS.bounds)] = 1
    steps: Annotated[int, Field(**STEPS.bounds)] = 1
    seed: Annotated[int, Field(**SEED.bounds)] = 0
    data: str = "synthetic"
    baseline: str | None = DEFAULT_BASELINE
    numerics: bool = True
    costs: bool = True


def resolve_run(choices: RunChoices, tell: Callable[[str], object] = lambda _: None) -> tuple[RunSpec, Images | None]:
    """Names become descriptions, files are read, and everything is checked together.

    Returns the run and, where the run needs pictures or takes its shape from them, the data. `tell` gets a line: what
    the network takes and tells apart, and what its description has where that is another.

    Raises
    ------
    SpecError : anything the user can repair.
    """
    described = load_network(choices.net)
    network, images = _network_and_data(choices, described)
    tell(_network_text(described, network))
    if file_of(choices.net) is not None:
        _refuse_enlarging(network)
    rule = parse_rule(
        choices.rule, temperature=choices.temperature, waveform=choices.waveform, reduced_rows=network.reduced_rows
    )
    chip = resolve_chip(choices)
    if choices.technology is not None:
        chip = chip.model_copy(update={"technology": choices.technology})
    run = RunSpec.from_mapping(
        {
            "network": network,
            "rule": rule,
            "precision": parse_bits(choices.bits),
            "chip": chip,
            "optimizer": {
                "name": choices.optimizer,
                "learning_rate": choices.learning_rate,
                "momentum": choices.momentum,
            },
            "technology": chip.technology,
            "objective": named_objective("--objective", choices.objective),
            "schedule": named_schedule("--schedule", choices.fusion),
            "batch": choices.batch,
            "accumulate": choices.accumulate,
            "steps": choices.steps,
            "seed": choices.seed,
            "data": choices.data,
            "baseline": _baseline(choices.baseline),
            "numerics": choices.numerics,
            "costs": choices.costs,
        },
        "run",
    )
    return run, images


def files_read(choices: RunChoices, run: RunSpec, images: Images | None) -> list[tuple[str, Path]]:
    """(option, file) of every file that a resolved run was read from."""
    rules = (("--rule", run.rule.name), ("--baseline", run.baseline or ""))
    names = (
        ("--net", choices.net),
        *rules,
        ("--chip", choices.chip),
        ("--technology", run.technology),
        ("--chip", run.chip.dram.device),
    )
    described = [(option, file) for option, name in names if (file := file_of(name)) is not None]
    return described + [("--data", file) for file in (images.files if images is not None else ())]


def parse_input(text: str) -> tuple[int, int, int]:
    """`CxHxW`.

    Examples
    --------
    >>> parse_input("3x96x96")
    (3, 96, 96)
    """
    names = ("channels", "height", "width")
    channels, height, width = read_sides("--input", text, MAP_SIDE, names=names, example="3x128x128")
    return channels, height, width


def _baseline(name: str) -> str | None:
    if name == "none":
        return None
    return rule_name(name, "--baseline")


def _network_and_data(choices: RunChoices, network: NetworkSpec) -> tuple[NetworkSpec, Images | None]:
    """The network at the shape and classes that options and data give it."""
    if choices.norm is not None:
        network = network.with_norm(cast("Norm", chosen("--norm", choices.norm, NORMS, "the norms are")))
    kind = kind_of(choices.data)
    shape = None if choices.input is None else parse_input(choices.input)
    if kind == "synthetic":
        network = network.resized(shape, choices.classes)
        wanted_shape: tuple[int, int, int] | None = network.input
        wanted_classes: int | None = network.classes
        if not choices.numerics:
            return network, None
    else:
        wanted_shape = shape or (network.input if kind in FLEXIBLE_DATA else None)
        wanted_classes = choices.classes
    images = load_data(choices.data, shape=wanted_shape, classes=wanted_classes, seed=choices.seed)
    if file_of(choices.net) is not None:
        _refuse_contradiction(choices, network, images)
    return network.resized(images.shape, images.classes), images


def _refuse_contradiction(choices: RunChoices, network: NetworkSpec, images: Images) -> None:
    """Data never rewrites what a user's own description states: an option of the command has to say so."""
    facts = (
        ("--input", choices.input, "pictures of", _sides(images.shape), _sides(network.input)),
        ("--classes", choices.classes, "a number of classes of", str(images.classes), str(network.classes)),
    )
    for option, given, what, found, stated in facts:
        if given is None and found != stated:
            need = f"it has {what} {found}, and network '{network.name}' states {stated}"
            fix = f"Use {option} {found} to take the network to the data, or other data."
            raise SpecError("--data", choices.data, need, fix)


def _refuse_enlarging(network: NetworkSpec) -> None:
    """An average to a grid finer than its map is a slip in a user's own network; a shipped one may run that small."""
    for layer in resolve(network):
        if not isinstance(layer, PoolLayer) or layer.kind != "avg":
            continue
        most = min(layer.in_h, layer.in_w)
        if layer.out_h > most:
            need = f"an average to {layer.out_h}x{layer.out_w} would enlarge its map of {layer.in_h}x{layer.in_w}"
            raise SpecError(f"{network.name}.{layer.name}.size", layer.out_h, need, f"Use at most {most}.")


def _sides(shape: tuple[int, int, int]) -> str:
    return "x".join(str(side) for side in shape)


def _network_text(described: NetworkSpec, network: NetworkSpec) -> str:
    def facts(one: NetworkSpec) -> str:
        return f"input {_sides(one.input)}, {one.classes} classes"

    text = f"{network.name}: {facts(network)}"
    same = (described.input, described.classes) == (network.input, network.classes)
    return text if same else f"{text} (adapted: its description has {facts(described)})"


def resolve_chip(choices: RunChoices) -> AcceleratorSpec:
    """The chip with the options' array, dataflow, scratchpad and kind of DRAM."""
    chip = load("chips", choices.chip, AcceleratorSpec, "--chip")
    if choices.array is not None:
        chip = chip.with_array(choices.array)
    if choices.dataflow is not None:
        chip = chip.changed("array", dataflow=named_dataflow("--dataflow", choices.dataflow).name)
    named_dataflow(f"{chip.name}.array.dataflow", chip.array.dataflow)
    if choices.sram_kib is not None:
        chip = chip.changed("scratchpad", capacity_bytes=choices.sram_kib * 1024)
    if choices.dram is not None:
        chip = chip.changed("dram", device=choices.dram)
    dram_device(
        chip, "chip.dram.device" if choices.dram is None else "--dram"
    )  # a kind of DRAM that is not there is refused before any work
    return chip


def load_technology(run: RunSpec) -> TechnologySpec:
    """The energy table of a run."""
    return load("technology", run.technology, TechnologySpec, "--technology")


def objective_of(run: RunSpec, technology: TechnologySpec | None = None) -> Objective:
    """The objective of a run's mappings; `technology` is the run's, where it has been read already.

    Raises
    ------
    SpecError : the technology cannot price the chip.
    """
    if run.objective not in PRICED:
        return Objective(run.objective)
    return objective_on(run.objective, run.chip, run.precision, technology or load_technology(run))


def lower_run(run: RunSpec, rule: str | None = None) -> Program:
    """One training step of the run as a program; of another rule on the same network, widths and batch if named.

    Raises
    ------
    SpecError : there is no such rule.
    """
    chosen = run.rule if rule in (None, run.rule.name) else parse_rule(str(rule))
    optimizer, batch, accumulate = run.optimizer, run.batch, run.accumulate
    return lower(run.network, chosen, run.precision, optimizer=optimizer, batch=batch, accumulate=accumulate)
