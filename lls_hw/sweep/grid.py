"""From lists of choices to points: every combination once, resolved before any work begins."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from lls_hw.config import RunSpec, resolve_chip, resolve_run
from lls_hw.models.registry import load
from lls_hw.models.rules.registry import parse_rule, rule_name
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.imported import file_of
from lls_hw.models.spec.precision import parse_bits
from lls_hw.models.spec.quantities import BATCH, SEED, SRAM_KIB
from lls_hw.models.spec.rule import RuleSpec
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.options.run import RunChoices
from lls_hw.sim.mapping.objective import named_objective
from lls_hw.sim.schedule.names import named_schedule
from lls_hw.sweep.choices import SweepChoices, split_bits, split_list, split_numbers
from lls_hw.sweep.identity import cost_inputs, data_digest, learning_inputs, run_id, technology_digest
from lls_hw.sweep.labels import design_label, learning_label
from lls_hw.sweep.points import Learning, Point
from lls_hw.training.plan import TrainPlan

AXES = (
    "net",
    "batch",
    "seed",
    "bits",
    "chip",
    "array",
    "dataflow",
    "sram",
    "objective",
    "schedule",
    "technology",
    "rule",
)
"""Outermost first. Rules and technologies are innermost: their points share a baseline, or the whole simulation."""

At = Mapping[str, Any]
"""One value of every axis."""


@dataclass(frozen=True, slots=True)
class Base:
    """A network with its data: what the other axes are put onto."""

    run: RunSpec
    learning: Learning | None


class Grid:
    """The axes of a sweep and how their values combine.

    Parameters
    ----------
    plan : how points train; None for costs alone.
    proxy : without a plan: judge each point's arithmetic by one step.

    Attributes
    ----------
    files : (option, file) of everything that was read.

    Raises
    ------
    SpecError : a value that is wrong whatever it is combined with.
    """

    def __init__(self, typed: SweepChoices, plan: TrainPlan | None = None, *, proxy: bool = False) -> None:
        self.typed, self.plan, self.proxy = typed, plan, proxy
        self.axes: dict[str, tuple[Any, ...]] = _axes(typed)
        if not self.learns:
            self.axes["seed"] = self.axes["seed"][:1]  # costs do not depend on it
        self._known: dict[tuple[Any, ...], Any] = {}
        self.files: list[tuple[str, Path]] = []
        self.check()

    @property
    def learns(self) -> bool:
        """Whether points have an accuracy."""
        return self.plan is not None or self.proxy

    @property
    def size(self) -> int:
        """Number of combinations."""
        count = 1
        for values in self.axes.values():
            count *= len(values)
        return count

    def check(self) -> None:
        """Resolve every value once, so that what is wrong for the whole sweep is said before it begins."""
        for at in self._lines():
            self.point(at)

    def _lines(self) -> Iterator[At]:
        """Every pair of values that are resolved together, the other axes at their first value."""
        first = {name: values[0] for name, values in self.axes.items()}
        yield first
        for name, values in self.axes.items():
            yield from ({**first, name: value} for value in values[1:])
        for names in (("net", "rule"), ("net", "seed"), ("chip", "technology")):
            for pair in product(*(self.axes[name] for name in names)):
                yield {**first, **dict(zip(names, pair, strict=True))}

    def points(self) -> list[Point]:
        """Every point once, in order; two spellings of one run are the first of them."""
        found: dict[str, Point] = {}
        for values in product(*(self.axes[name] for name in AXES)):
            point = self.point(dict(zip(AXES, values, strict=True)))
            found.setdefault(point.id, point)
        return list(found.values())

    def point(self, at: At) -> Point:
        """One combination, resolved."""
        base = self._base(at["net"], at["seed"], at["batch"])
        chip = self._chip(at["chip"], at["array"], at["dataflow"], at["sram"])
        name, technology, digest = self._technology(at["technology"] or chip.technology)
        parts = {
            "rule": self._rule(at["rule"], base.run.network.reduced_rows),
            "precision": self._keep("bits", at["bits"], lambda: parse_bits(at["bits"])),
            "chip": chip,
            "technology": name,
            "objective": at["objective"],
            "schedule": at["schedule"],
        }
        run = base.run.model_copy(update=parts)  # every part is validated already
        inputs = cost_inputs(run, digest)
        if base.learning is not None:
            inputs["learning"] = run_id(learning_inputs(run, base.learning.plan, base.learning.data))
        label = design_label(run, at["chip"]) | learning_label(run, self.plan, learns=self.learns)
        return Point(
            id=run_id(inputs), inputs=inputs, label=label, run=run, technology=technology, learning=base.learning
        )

    def _keep(self, *key_and_make: Any) -> Any:  # noqa: ANN401  (a memo of whatever is made)
        *key, make = key_and_make
        if tuple(key) not in self._known:
            self._known[tuple(key)] = make()
        return self._known[tuple(key)]

    def _base(self, net: str, seed: int, batch: int) -> Base:
        found: Base = self._keep("base", net, seed, batch, lambda: self._resolve(net, seed, batch))
        return found

    def _resolve(self, net: str, seed: int, batch: int) -> Base:
        typed = self.typed
        run, images = resolve_run(
            RunChoices(
                net=net,
                rule=split_list("--rule", typed.rules)[0],
                batch=batch,
                seed=seed,
                baseline=typed.baseline,
                numerics=self.learns,
                **(typed.learning() | {"data": absolute_data(typed.data)}),
            )
        )
        self._note("--net", net)
        self.files += [("--data", file) for file in (images.files if images is not None else ())]
        if not self.learns:
            return Base(run, None)
        assert images is not None, "a run with numerics has pictures"
        digest = self._keep(
            "data", run.data, run.network.input, run.network.classes, seed, lambda: data_digest(run.data, images)
        )
        return Base(run, Learning(plan=self.plan, data=digest))

    def _rule(self, name: str, reduced_rows: int) -> RuleSpec:
        constants = {"temperature": self.typed.temperature, "waveform": self.typed.waveform}
        self._keep("rule file", name, lambda: self._note("--rule", name))
        found: RuleSpec = self._keep(
            "rule", name, reduced_rows, lambda: parse_rule(name, **constants, reduced_rows=reduced_rows)
        )
        return found

    def _chip(self, chip: str, array: str | None, dataflow: str | None, sram: int | None) -> AcceleratorSpec:
        typed = RunChoices(net="", rule="", chip=chip, array=array, dataflow=dataflow, sram_kib=sram)
        self._keep("chip file", chip, lambda: self._note("--chips", chip))
        found: AcceleratorSpec = self._keep("chip", chip, array, dataflow, sram, lambda: resolve_chip(typed))
        return found

    def _note(self, option: str, name: str) -> None:
        """Remember the file that a name was read from."""
        file = file_of(name)
        if file is not None:
            self.files.append((option, file))

    def _technology(self, name: str) -> tuple[str, TechnologySpec, str]:
        def read() -> tuple[str, TechnologySpec, str]:
            table = load("technology", name, TechnologySpec, "--technologies")
            self._note("--technologies", name)
            return table.name, table, technology_digest(table)

        found: tuple[str, TechnologySpec, str] = self._keep("technology", name, read)
        return found


def _axes(typed: SweepChoices) -> dict[str, tuple[Any, ...]]:
    """The values of every axis; (None,) where the chip's own holds."""

    def texts(option: str, text: str | None) -> tuple[str | None, ...]:
        return (None,) if text is None else split_list(option, text)

    return {
        "net": split_list("--net", typed.nets),
        "batch": split_numbers("--batch", typed.batches, BATCH),
        "seed": split_numbers("--seeds", typed.seeds, SEED),
        "bits": split_bits(typed.bits),
        "chip": split_list("--chips", typed.chips),
        "array": texts("--arrays", typed.arrays),
        "dataflow": texts("--dataflows", typed.dataflows),
        "sram": (None,) if typed.srams is None else split_numbers("--srams", typed.srams, SRAM_KIB),
        "objective": tuple(named_objective("--objective", one) for one in split_list("--objective", typed.objective)),
        "schedule": tuple(named_schedule("--schedules", one) for one in split_list("--schedules", typed.fusions)),
        "technology": texts("--technologies", typed.technologies),
        "rule": tuple(dict.fromkeys(rule_name(name) for name in split_list("--rule", typed.rules))),
    }


def absolute_data(spec: str) -> str:
    """Data by a path that holds in every worker's folder.

    Examples
    --------
    >>> absolute_data("synthetic:96"), absolute_data("npz:/data/set.npz")
    ('synthetic:96', 'npz:/data/set.npz')
    """
    kind, _, path = spec.partition(":")
    return f"{kind}:{Path(path).resolve()}" if kind != "synthetic" and path and Path(path).exists() else spec


def refuse_many(grid: Grid, most: int = 100_000) -> None:
    """A grid larger than anyone meant.

    Raises
    ------
    SpecError : more than `most` combinations.
    """
    if grid.size > most:
        need = f"the lists multiply to {grid.size:,} points"
        raise SpecError("sweep", grid.size, need, f"Shorten them to at most {most:,}.")
