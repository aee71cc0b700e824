"""Where a local rule wins once schedules use locality: BP over LLS-M by scratchpad, norm and batch.

python scripts/locality.py run     # evaluate what docs/locality.csv does not hold yet (about 2 s a run)
python scripts/locality.py draw    # draw docs/locality.svg from it
"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path

from lls_hw.config import lower_run, resolve_run
from lls_hw.costs.headline import BUSY_NAMES, busiest
from lls_hw.costs.step import run_costs, scheduled_memory_bytes
from lls_hw.models.spec.errors import SpecError
from lls_hw.options.run import RunChoices
from lls_hw.report.style import LIGHT

DOCS = Path(__file__).resolve().parents[1] / "docs"
TABLE, PICTURE = DOCS / "locality.csv", DOCS / "locality.svg"
NETS = ("vww_cnn", "mlperf_tiny_vww", "smallconv", "vgg8")
NORMS = ("batch", "group", "frozen")
BATCHES = (1, 8)
SRAMS_KIB = (64, 128, 256, 512, 1024, 2048, 4096)
RULES = ("bp", "lls_m")
AXES = ("net", "norm", "batch", "sram_kib", "rule")
FIGURES = ("energy_uj", "cycles", "memory_bytes", "dram_bytes", "busiest", "busy_share")
SHOWN = (("energy_uj", "energy"), ("cycles", "cycles"), ("memory_bytes", "memory as scheduled"))
COLOURS = {"batch": LIGHT["@blue"], "group": LIGHT["@green"], "frozen": LIGHT["@red"]}
MARKS = {"dram": "o", "array": "s", "vector": "^", "local": "v"}

Case = tuple[str, str, int, int, str]


def evaluate(case: Case) -> dict[str, object]:
    """Figures of the best schedule for energy; empty ones where the chip is too small."""
    net, norm, batch, sram_kib, rule = case
    choices = RunChoices(net=net, rule=rule, norm=norm, batch=batch, sram_kib=sram_kib, numerics=False, baseline="none")
    row: dict[str, object] = dict(zip(AXES, case, strict=True))
    try:
        run, _ = resolve_run(choices)
        costs = run_costs(run, lower_run(run))
    except SpecError as error:
        return {**row, "busiest": f"none: {error}"}
    events = costs.events
    unit, share = busiest(costs)
    figures = (
        round(costs.energy.total / 1e6, 3),
        events.cycles,
        scheduled_memory_bytes(costs),
        events.dram_read_bytes + events.dram_write_bytes,
        unit,
        round(share, 4),
    )
    return {**row, **dict(zip(FIGURES, figures, strict=True))}


def known() -> dict[Case, dict[str, str]]:
    """Rows that the table holds."""
    if not TABLE.exists():
        return {}
    with TABLE.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {(r["net"], r["norm"], int(r["batch"]), int(r["sram_kib"]), r["rule"]): r for r in rows}


def run_all(nets: tuple[str, ...], norms: tuple[str, ...]) -> None:
    """Evaluate what is missing, a row at a time."""
    there = known()
    with TABLE.open("a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, (*AXES, *FIGURES), lineterminator="\n")
        if not there:
            writer.writeheader()
        for net in nets:
            for norm in norms:
                for batch in BATCHES:
                    for sram_kib in SRAMS_KIB:
                        for rule in RULES:
                            case = net, norm, batch, sram_kib, rule
                            if case not in there:
                                writer.writerow(evaluate(case))
                                file.flush()


def draw() -> None:
    """A row of panels a network; lines by norm, dashed at batch 1; marks by what is busiest under LLS-M."""
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt
    from matplotlib.lines import Line2D

    plt.rcParams.update({"font.size": 9, "svg.hashsalt": "lls-hw", "svg.fonttype": "path"})
    rows = known()
    drawn = [norm for norm in NORMS if any(case[1] == norm for case in rows)]
    figure, panels = plt.subplots(len(NETS), len(SHOWN), figsize=(9.5, 10.5), sharex=True)
    for net, line in zip(NETS, panels, strict=True):
        for (figure_name, title), panel in zip(SHOWN, line, strict=True):
            for norm in drawn:
                for batch in BATCHES:
                    _line(panel, rows, (net, norm, batch), figure_name)
            panel.axhline(1, color=LIGHT["@ink"], linewidth=0.8)
            panel.set_xscale("log", base=2)
            panel.set_xticks(SRAMS_KIB, [str(s) if s < 1024 else f"{s // 1024}M" for s in SRAMS_KIB])
            panel.minorticks_off()
            panel.grid(color=LIGHT["@grid"], linewidth=0.6)
            panel.set_title(f"{net}: {title}", fontsize=9, loc="left")
    for panel in panels[-1]:
        panel.set_xlabel("scratchpad, KiB (M: MiB)")
    for line in panels:
        line[0].set_ylabel("BP / LLS-M")
    handles = [Line2D([], [], color=COLOURS[norm], label=f"{norm} norm") for norm in drawn]
    handles += [
        Line2D([], [], color=LIGHT["@grey"], linestyle=s, label=t) for s, t in (("-", "batch 8"), ("--", "batch 1"))
    ]
    found = {row["busiest"] for row in rows.values()}
    handles += [
        Line2D([], [], color=LIGHT["@grey"], marker=mark, linestyle="", label=f"busiest: {BUSY_NAMES[unit]}")
        for unit, mark in MARKS.items()
        if unit in found
    ]
    figure.suptitle("BP over LLS-M, best schedule for energy: above 1 the local rule is cheaper", x=0.02, ha="left")
    figure.legend(handles=handles, loc="lower center", ncols=4, frameon=False)
    figure.tight_layout(rect=(0, 0.06, 1, 0.99))
    figure.savefig(PICTURE, metadata={"Date": None})


def _line(panel, rows, of, name) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    """Ratios over the scratchpad, where both rules fit."""
    net, norm, batch = of
    marks: dict[str, list[tuple[int, float]]] = defaultdict(list)
    points = []
    for sram_kib in SRAMS_KIB:
        pair = [rows.get((net, norm, batch, sram_kib, rule)) for rule in RULES]
        if all(row is not None and row[name] for row in pair):
            bp, lls = (float(row[name]) for row in pair)  # type: ignore[index]
            points.append((sram_kib, bp / lls))
            marks[pair[1]["busiest"]].append(points[-1])  # type: ignore[index]
    if not points:
        return
    style = {"color": COLOURS[norm], "alpha": 1.0 if batch > 1 else 0.75}
    panel.plot(*zip(*points, strict=True), linestyle="-" if batch > 1 else "--", linewidth=1.2, **style)
    for unit, there in marks.items():
        panel.plot(*zip(*there, strict=True), MARKS[unit], markersize=4, **style)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "draw"))
    parser.add_argument("--nets", default=",".join(NETS))
    parser.add_argument("--norms", default=",".join(NORMS))
    given = parser.parse_args()
    if given.what == "run":
        run_all(tuple(given.nets.split(",")), tuple(given.norms.split(",")))
    else:
        draw()


if __name__ == "__main__":
    main()
