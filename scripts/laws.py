"""Laws of costs over random settings of the shipped networks, whole training steps: pairs that differ in one thing.

    python scripts/laws.py --settings 2000 [--seed 0] [--schedule op]

- more scratchpad never costs DRAM bytes, nor energy beyond leakage and wires: a step of the large machine costs at most
  what the small machine's step costs at the large one's prices, whose leakage and wires are the only ones that grow;
- a larger array, fewer bits, more bandwidth never cost cycles;
- backpropagation never costs less energy than LLS-M, in any technology, on any kind of DRAM.

Mappings are chosen for the figure that the law is about: one chosen for energy may well spend cycles on it.

One line a law: settings, how many break it by more than its margin, the worst ratio and where. Exit status 1 if one
breaks. The same `broken` serves the test of the suite, which draws fewer.
"""

import argparse
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from lls_hw.models.program.lower import lower
from lls_hw.models.registry import load, load_network, names
from lls_hw.models.rules.registry import parse_rule, rules
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.precision import parse_bits
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.cost.counts import Counts
from lls_hw.sim.cost.energy import explain_energy
from lls_hw.sim.event.engine import run_events
from lls_hw.sim.mapping.objective import ObjectiveName, objective_on

SIGN, SRAM_ENERGY = "lls_m for bp", "sram: energy but leakage and wires"
LAWS: dict[str, tuple[ObjectiveName, float]] = {
    "sram: bytes": ("bytes", 0.0),
    SRAM_ENERGY: ("energy", 0.0),
    "array: cycles": ("cycles", 0.01),
    "bits: cycles": ("cycles", 0.01),
    "bandwidth: cycles": ("cycles", 0.01),
    SIGN: ("energy", 0.0),
}
"""By law: the objective, and the share by which the larger machine (the local rule) may be worse."""
NETS = ("mlperf_tiny_vww", "smallconv", "vgg8", "vww_cnn")
SRAMS_KIB = (64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096)
SIDES = (4, 8, 12, 16, 24, 32)
BITS = ("4", "8", "12", "16")
BANDWIDTHS = (1, 2, 4, 8, 16, 32)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A network, a rule and a machine."""

    net: str
    rule: str
    batch: int
    bits: str
    chip: str
    technology: str
    device: str
    sram_kib: int
    rows: int
    cols: int
    bytes_per_cycle: int
    dataflow: str
    schedule: str
    objective: ObjectiveName


@dataclass(frozen=True, kw_only=True)
class Step:
    """What one training step did, before it is priced."""

    counts: Counts
    cycles: int

    @property
    def dram_bytes(self) -> int:
        """Of both directions."""
        return self.counts.dram_read_bytes + self.counts.dram_write_bytes


def chip_of(setting: Setting) -> AcceleratorSpec:
    """The machine of a setting."""
    chip = load("chips", setting.chip, AcceleratorSpec, "--chip").changed(
        "array", rows=setting.rows, cols=setting.cols, dataflow=setting.dataflow
    )
    chip = chip.changed("scratchpad", capacity_bytes=setting.sram_kib * 1024)
    return chip.changed("dram", device=setting.device, bytes_per_cycle=setting.bytes_per_cycle)


def technology_of(setting: Setting) -> TechnologySpec:
    """Its technology."""
    return load("technology", setting.technology, TechnologySpec, "--technology")


def run(setting: Setting) -> Step:
    """One training step of a setting."""
    chip, precision = chip_of(setting), parse_bits(setting.bits)
    program = lower(load_network(setting.net), parse_rule(setting.rule), precision, batch=setting.batch)
    wanted = objective_on(setting.objective, chip, precision, technology_of(setting))
    found = run_events(program, chip, objective=wanted, schedule=setting.schedule)  # type: ignore[arg-type]
    return Step(counts=found.counts, cycles=found.cycles)


def energy_pj(step: Step, on: Setting) -> float:
    """Energy of a step at the prices of a setting's machine: its leakage, its wires, its powers over time."""
    rows = explain_energy(
        step.counts, cycles=step.cycles, chip=chip_of(on), precision=parse_bits(on.bits), technology=technology_of(on),
        level="typical",
    )  # fmt: skip
    return sum(row.total_pj for row in rows)


def one_of(rng: random.Random, values: tuple[Any, ...], *, below: Any = None) -> Any:  # noqa: ANN401
    """A random value; with `below`, one after it in the list."""
    return rng.choice(values if below is None else values[values.index(below) + 1 :])


def settings(rng: random.Random, *, schedule: str) -> Iterator[tuple[str, Setting, Setting]]:
    """(law, setting, the same with more of something), without end."""
    while True:
        base = Setting(
            net=rng.choice(NETS), rule=rng.choice(tuple(rules())), batch=rng.choice((1, 2, 8)),
            bits=rng.choice(BITS[:-1]),
            chip=rng.choice(("edge_16x16", "edge_16x16_flat")), technology=rng.choice(names("technology")),
            device=rng.choice(names("dram")), sram_kib=rng.choice(SRAMS_KIB[:-1]), rows=rng.choice(SIDES[:-1]),
            cols=rng.choice(SIDES[:-1]),
            bytes_per_cycle=rng.choice(BANDWIDTHS[:-1]),
            dataflow=rng.choice(("ws", "os", "is")), schedule=schedule, objective="bytes",
        )  # fmt: skip
        sram = {"sram_kib": one_of(rng, SRAMS_KIB, below=base.sram_kib)}
        side = one_of(rng, SIDES, below=max(base.rows, base.cols))
        wide = {"bytes_per_cycle": one_of(rng, BANDWIDTHS, below=base.bytes_per_cycle)}
        changes: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
            ({}, sram), ({}, sram), ({}, {"rows": side, "cols": side}),
            ({"bits": one_of(rng, BITS, below=base.bits)}, {}), ({}, wide), ({"rule": "bp"}, {"rule": "lls_m"}),
        )  # fmt: skip
        for (law, (objective, _)), (small, large) in zip(LAWS.items(), changes, strict=True):
            yield law, replace(base, objective=objective, **small), replace(base, objective=objective, **large)


RATIOS: dict[str, Callable[[Step, Setting, Step, Setting], float]] = {
    "sram: bytes": lambda a, small, b, large: b.dram_bytes / a.dram_bytes,
    SRAM_ENERGY: lambda a, small, b, large: energy_pj(b, large) / energy_pj(a, large),
    "array: cycles": lambda a, small, b, large: b.cycles / a.cycles,
    "bits: cycles": lambda a, small, b, large: b.cycles / a.cycles,
    "bandwidth: cycles": lambda a, small, b, large: b.cycles / a.cycles,
    SIGN: lambda a, small, b, large: energy_pj(b, large) / energy_pj(a, small),
}
"""By law: the figure of the larger machine (the local rule) / that of the smaller (backpropagation)."""


def judged(pairs: Iterator[tuple[str, Setting, Setting]], count: int) -> Iterator[tuple[str, float, Setting, Setting]]:
    """(law, ratio, setting, with more) of the first `count` pairs whose machines can run."""
    known: dict[Setting, Step | None] = {}

    def step(setting: Setting) -> Step | None:
        if setting not in known:
            if len(known) > 16:
                known.pop(next(iter(known)))
            try:
                known[setting] = run(setting)
            except SpecError:  # a scratchpad that cannot hold a tile, a width that no row prices
                known[setting] = None
        return known[setting]

    while count:
        law, small, large = next(pairs)
        first, second = step(small), step(large)
        if first is not None and second is not None:
            count -= 1
            yield law, RATIOS[law](first, small, second, large), small, large


def broken(law: str, ratio: float) -> bool:
    """Whether a ratio breaks its law; sums of floats may round."""
    return ratio > 1 + LAWS[law][1] + 1e-12


def main() -> int:
    """Print the laws."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--settings", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--schedule", default="op")
    args = parser.parse_args()
    pairs = settings(random.Random(args.seed), schedule=args.schedule)
    found = defaultdict(list)
    for law, ratio, small, large in judged(pairs, args.settings):
        found[law].append((ratio, small, large))
        if broken(law, ratio):
            print(f"{law}: {ratio:.4f}: {small} -> {large}", file=sys.stderr, flush=True)
    print("| law | settings | broken | worst ratio |\n|---|---|---|---|")
    for law, rows in found.items():
        print(
            f"| {law} | {len(rows)} | {sum(broken(law, row[0]) for row in rows)} | {max(row[0] for row in rows):.4f} |"
        )
    return int(any(broken(law, row[0]) for law, rows in found.items() for row in rows))


if __name__ == "__main__":
    sys.exit(main())
