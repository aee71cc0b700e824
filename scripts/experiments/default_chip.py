"""The default chip by a sweep: accumulators, banks, vector lanes, dataflow, and the unit that runs depthwise.

    python scripts/experiments/default_chip.py --store chips.jsonl
    python scripts/experiments/default_chip.py --store chips.jsonl --tables

Every design runs one training step of each network and rule; `--store` keeps what has run, one line a run, and a
killed sweep continues there. A design's figures are geometric means over networks and rules of its ratio to the
flat chip (no accumulators, 16 banks and lanes, depthwise on the lanes, ws).
"""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from lls_hw.config import load_technology, lower_run, resolve_run
from lls_hw.costs.step import run_costs
from lls_hw.models.registry import load
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.options.run import RunChoices
from lls_hw.sim.cost.area import area_mm2

Design = tuple[int, int, int, str, str]
AXES = ("accumulator entries", "banks", "lanes", "depthwise on", "dataflow")
FLAT: Design = (0, 16, 16, "vector", "ws")
FIGURES = ("energy_uj", "cycles", "edp")


def designs(args: argparse.Namespace) -> Iterator[Design]:
    """Every design of the grid; `os` keeps its sums in the elements and has use for small accumulators only."""
    for design in product(args.entries, args.banks, args.lanes, args.depthwise, args.dataflows):
        if design[4] == "ws" or design[0] in (0, min(filter(None, args.entries), default=0)):
            yield design


def chip_of(design: Design, base: str) -> AcceleratorSpec:
    """The base chip with the design's parts."""
    entries, banks, lanes, depthwise_on, dataflow = design
    data: dict[str, Any] = load("chips", base, AcceleratorSpec, "--base").model_dump()
    levels = [dict(level) for level in data["memory"] if level["kind"] != "accumulators"]
    levels[0]["banks"] = banks
    sums = {"name": "accumulators", "kind": "accumulators", "entries": entries}
    data["memory"] = [*([sums] if entries else []), *levels]
    data["array"] = {**data["array"], "dataflow": dataflow}
    data["vector"] = {**data["vector"], "lanes": lanes}
    data["depthwise_on"] = depthwise_on
    return AcceleratorSpec.from_mapping(data, "design")


def figures(choices: RunChoices, design: Design, base: str) -> dict[str, Any]:
    """One step's energy and cycles on a design."""
    run, _ = resolve_run(choices)
    run = run.model_copy(update={"chip": chip_of(design, base)})
    costs = run_costs(run, lower_run(run))
    energy_uj, cycles = costs.energy.to_uj()["total"], costs.events.cycles
    moved = costs.events.counts.dram_read_bytes + costs.events.counts.dram_write_bytes
    return {"energy_uj": energy_uj, "cycles": cycles, "edp": energy_uj * cycles, "dram_bytes": moved}


def stored(path: Path) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Runs of an earlier start, by what they ran."""
    lines = path.read_text().splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines]
    return {(*row["design"], row["net"], row["rule"], row["schedule"]): row for row in rows}


def sweep(args: argparse.Namespace) -> None:
    """Run what has not run yet."""
    done = stored(args.store)
    runs = product(designs(args), args.nets, args.rules)
    with args.store.open("a") as store:
        for design, net, rule in runs:
            if (*design, net, rule, args.schedule) in done:
                continue
            choices = RunChoices(
                net=net, rule=rule, batch=args.batch, objective=args.objective, fusion=args.schedule,
                numerics=False, baseline="none",
            )  # fmt: skip
            found = figures(choices, design, args.base)
            row = {"design": design, "net": net, "rule": rule, "schedule": args.schedule, **found}
            store.write(json.dumps(row) + "\n")
            store.flush()


def means(rows: dict[tuple[Any, ...], dict[str, Any]], args: argparse.Namespace) -> dict[Design, dict[str, float]]:
    """Geometric mean of each figure over the flat chip's, by design; designs with a missing run are left out."""
    cases = list(product(args.nets, args.rules))
    found = {}
    for design in dict.fromkeys(key[:5] for key in rows):
        if all((*design, *case, args.schedule) in rows for case in cases):
            ratios = {
                figure: [
                    rows[*design, *case, args.schedule][figure] / rows[*FLAT, *case, args.schedule][figure]
                    for case in cases
                ]
                for figure in FIGURES
            }
            found[design] = {name: math.exp(math.fsum(map(math.log, row)) / len(row)) for name, row in ratios.items()}
    return found


def areas(found: Sequence[Design], base: str) -> dict[Design, float]:
    """SRAM area by design, mm2."""
    run, _ = resolve_run(RunChoices(net="smallconv", rule="bp", numerics=False, baseline="none"))
    return {design: area_mm2(chip_of(design, base), load_technology(run)) for design in found}


def front(found: dict[Design, dict[str, float]], area: dict[Design, float]) -> list[Design]:
    """Designs that no other matches in energy, cycles, SRAM area and lanes at once."""
    place = {d: (round(f["energy_uj"], 4), round(f["cycles"], 4), area[d], d[2]) for d, f in found.items()}
    return [
        design
        for design, mine in place.items()
        if not any(other != mine and all(a <= b for a, b in zip(other, mine, strict=True)) for other in place.values())
    ]


def tables(args: argparse.Namespace) -> None:
    """Markdown: the front, and each axis by itself from the best design."""
    found = means(stored(args.store), args)
    area = areas(list(found), args.base)
    print(f"| {' | '.join(AXES)} | energy | cycles | energy x delay | SRAM mm2 |\n|{'---|' * 9}")
    for design in sorted(front(found, area), key=lambda d: found[d]["edp"]):
        print(row_of(design, found[design], area[design]))
    best = min(found, key=lambda d: found[d]["edp"])
    for axis, name in enumerate(AXES):
        print(f"\n{name}, the rest as in {best}:\n")
        for design in sorted(d for d in found if all(d[i] == best[i] for i in range(5) if i != axis)):
            print(row_of(design, found[design], area[design]))


def row_of(design: Design, figure: dict[str, float], area: float) -> str:
    """A row of a table."""
    values = " | ".join(f"{figure[name]:.3f}" for name in FIGURES)
    return f"| {' | '.join(map(str, design))} | {values} | {area:.3f} |"


def integers(text: str) -> list[int]:
    """Integers from a list with commas."""
    return [int(part) for part in text.split(",")]


def words(text: str) -> list[str]:
    """Names from a list with commas."""
    return text.split(",")


def main() -> int:
    """Sweep, or print the tables of what was swept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, required=True, help="JSON lines, one a run")
    parser.add_argument("--tables", action="store_true", help="print what is stored")
    parser.add_argument("--base", default="edge_16x16_flat", help="chip whose other parts all designs have")
    parser.add_argument("--nets", type=words, default="vww_cnn,mlperf_tiny_vww,smallconv,vgg8")
    parser.add_argument("--rules", type=words, default="lls_m,bp")
    parser.add_argument("--entries", type=integers, default="0,128,256,512,1024")
    parser.add_argument("--banks", type=integers, default="8,16,32")
    parser.add_argument("--lanes", type=integers, default="16,32,64")
    parser.add_argument("--depthwise", type=words, default="vector,array")
    parser.add_argument("--dataflows", type=words, default="ws,os")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--objective", default="energy")
    parser.add_argument("--schedule", default="op")
    args = parser.parse_args()
    if args.tables:
        tables(args)
    else:
        sweep(args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
