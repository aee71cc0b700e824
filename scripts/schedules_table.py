"""Schedules and objectives side by side: `python scripts/schedules_table.py [--nets a,b] [--chip NAME]`.

Prints a table in Markdown: DRAM bytes, cycles, energy and multiply-accumulates of the array, for `op`, `fused` and
`best` in each objective, LLS-M and BP, batch 8.
"""

import argparse

from lls_hw.config import lower_run, resolve_run
from lls_hw.costs.step import run_costs
from lls_hw.options.run import RunChoices

CASES = (
    ("op", "bytes"),
    ("fused", "bytes"),
    ("best", "bytes"),
    ("best", "cycles"),
    ("best", "energy"),
    ("best", "edp"),
)
HEAD = "| network | rule | schedule | DRAM MB | Mcycles | mJ | array GMAC |\n|---|---|---|---|---|---|---|"


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", default="smallconv,vww_cnn")
    parser.add_argument("--chip", default="edge_16x16")
    given = parser.parse_args()
    print(HEAD)
    for net in given.nets.split(","):
        for rule in ("lls_m", "bp"):
            for name, objective in CASES:
                choices = RunChoices(
                    net=net,
                    rule=rule,
                    chip=given.chip,
                    objective=objective,
                    fusion=name,
                    numerics=False,
                    baseline="none",
                )
                run, _ = resolve_run(choices)
                costs = run_costs(run, lower_run(run))
                counts = costs.events.counts
                moved = (counts.dram_read_bytes + counts.dram_write_bytes) / 1e6
                figures = f"{moved:.1f} | {costs.events.cycles / 1e6:.1f} | {costs.energy.total / 1e9:.2f}"
                label = name if name != "best" else f"best, {objective}"
                print(f"| {net} | {rule} | {label} | {figures} | {counts.macs / 1e9:.2f} |", flush=True)


if __name__ == "__main__":
    main()
