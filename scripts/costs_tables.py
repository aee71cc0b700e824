"""LLS against BP on the default chip: the table of docs/costs.md, regenerated.

python scripts/costs_tables.py            # print it
python scripts/costs_tables.py --write    # put it into docs/costs.md
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

from lls_hw.config import resolve_run
from lls_hw.costs.compare import Comparison, compare_runs
from lls_hw.costs.step import Costs
from lls_hw.options.run import RunChoices

DOCS = Path(__file__).resolve().parents[1] / "docs" / "costs.md"
BEGIN, END = "<!-- table: scripts/costs_tables.py -->", "<!-- end of table -->"
NETS = (("smallconv", None), ("mlperf_tiny_vww", None), ("vww_cnn", None), ("vgg8", None), ("vgg8", "3x128x128"))
BATCHES = (1, 8, 32)
RULES = ("bp", "lls", "lls_m")
HEAD = (
    "| network | batch | rule | energy, uJ | cycles | peak scratchpad, KiB | training memory, KiB | DRAM, KiB |",
    "|---|--:|---|--:|--:|--:|--:|--:|",
)


def compared(net: str, shape: str | None, batch: int) -> Comparison:
    """The rules on one network and batch."""
    runs = [
        resolve_run(RunChoices(net=net, rule=rule, input=shape, batch=batch, baseline="none", numerics=False))[0]
        for rule in RULES
    ]
    return compare_runs(runs)


def rows(net: str, shape: str | None, batch: int) -> list[str]:
    """A row a rule; in brackets how many times less than BP."""
    comparison = compared(net, shape, batch)
    label = net if shape is None else f"{net} at {shape.partition('x')[2]}"
    reference = _figures(comparison.against)
    lines = []
    for costs in comparison.costs:
        cells = [
            f"{own:,.1f}" if costs is comparison.against else f"{own:,.1f} ({theirs / own:.2f})"
            for own, theirs in zip(_figures(costs), reference, strict=True)
        ]
        cells[1] = cells[1].replace(".0", "", 1)
        lines.append(f"| {label} | {batch} | `{costs.rule}` | " + " | ".join(cells) + " |")
    return lines


def _figures(costs: Costs) -> tuple[float, ...]:
    counts = costs.events.counts
    return (
        costs.energy.total / 1e6,
        float(costs.events.cycles),
        costs.events.scratchpad_peak_bytes / 1024,
        costs.program.training_memory_bytes() / 1024,
        (counts.dram_read_bytes + counts.dram_write_bytes) / 1024,
    )


def table(cases: Iterable[tuple[str, str | None, int]]) -> str:
    """The whole table in Markdown."""
    return "\n".join([*HEAD, *(line for case in cases for line in rows(*case))])


def main() -> None:
    """Print or write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="replace the table in docs/costs.md")
    made = table((net, shape, batch) for net, shape in NETS for batch in BATCHES)
    if parser.parse_args().write:
        text = DOCS.read_text(encoding="utf-8")
        before, _, rest = text.partition(BEGIN)
        DOCS.write_text(f"{before}{BEGIN}\n{made}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    else:
        print(made)


if __name__ == "__main__":
    main()
