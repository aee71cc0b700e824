"""Whether the cells of one processing element grow as the energy table says.

    python scripts/bench/pe_synthesis.py           # needs Yosys (apt-get install yosys)

One element is synthesised to AND, XOR, MUX and flip-flops at 4, 8 and 16 bits beside a 32-bit sum. Two questions, each
answered within 25 %:

form   do the gates follow alpha b^2 + beta (fitted at 4 and 16 bits, asked at 8), the flip-flops words b + sums?
table  do the gates grow, from 8 bits, as the table's own multiply(b b) + add(32) grows?

Gates and flip-flops are held against their own terms of the law, never added: the table prices the write of a register
bit at about three times a bit x bit of a multiplier, whereas a netlist counts one cell for a gate or a flip-flop.
"""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lls_hw.models.registry import load
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.cost.energy_unit import Prices

RTL = Path(__file__).resolve().parents[2] / "rtl"
ACC, WIDTHS, TOLERANCE = 32, (4, 8, 16), 0.25
WORDS = {"pe_ws": (3, 1), "pe_os": (2, 2)}  # registers of an element: operands, sums


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """One element after synthesis."""

    gates: int
    flops: int


def missing() -> str:
    """Why nothing can be synthesised here, or an empty string."""
    return "" if shutil.which("yosys") else "Yosys is not installed (apt-get install yosys)"


def synthesise(top: str, bits: int) -> Cells:
    """Cells of `top`; -noalumacc keeps the multiplier apart from the adder behind it."""
    script = (
        f"read_verilog {RTL / top}.v {RTL / 'narrow.v'}; chparam -set BITS {bits} -set ACC {ACC} {top}; "
        f"synth -noalumacc -flatten -top {top}; abc -g AND,XOR,MUX; stat"
    )
    run = subprocess.run(["yosys", "-Q", "-p", script], capture_output=True, text=True, check=True, timeout=120)
    report = run.stdout.rsplit("Number of cells:", 1)[1]
    flops = sum(int(count) for count in re.findall(r"\$_S?DFF\S*\s+(\d+)", report))
    return Cells(gates=int(report.split()[0]) - flops, flops=flops)


def fitted(gates: dict[int, int]) -> tuple[float, float]:
    """(alpha, beta) of alpha b^2 + beta through the narrowest and the widest element."""
    low, high = min(gates), max(gates)
    alpha = (gates[high] - gates[low]) / (high**2 - low**2)
    return alpha, gates[low] - alpha * low**2


def table_law(bits: int, technology: str = "cmos_45nm") -> float:
    """pJ of a multiplication and an addition at the table's prices: what an element's gates spend."""
    prices = Prices(technology=load("technology", technology, TechnologySpec, "technology"), precision=Precision())
    return prices.multiply(bits * bits).amount + prices.add(ACC).amount


def report(top: str, cells: dict[int, Cells]) -> tuple[list[str], bool]:
    """(Markdown lines, whether everything lies within the tolerance)."""
    alpha, beta = fitted({bits: each.gates for bits, each in cells.items()})
    operands, sums = WORDS[top]
    lines = [
        f"{top}: gates = {alpha:.2f} b^2 + {beta:.0f}, flip-flops = {operands} b + {sums * ACC} and tags",
        "",
        "| bits | gates | by the fit | flip-flops | by words | gates / those of 8 bits | by the table |",
        "|--:|--:|--:|--:|--:|--:|--:|",
    ]
    within = beta > 0
    for bits, each in cells.items():
        gates, flops = alpha * bits**2 + beta, operands * bits + sums * ACC
        grown, law = each.gates / cells[8].gates, table_law(bits) / table_law(8)
        lines.append(f"| {bits} | {each.gates} | {gates:.0f} | {each.flops} | {flops} | {grown:.2f} | {law:.2f} |")
        for found, wanted in ((each.gates, gates), (each.flops, flops), (grown, law)):
            within = within and abs(found - wanted) <= TOLERANCE * wanted
    return lines, within


def main() -> int:
    reason = missing()
    if reason:
        print(f"skipped: {reason}")
        return 0
    status = 0
    for top in WORDS:
        lines, within = report(top, {bits: synthesise(top, bits) for bits in WIDTHS})
        print("\n".join(lines))
        print(f"\n{'within' if within else 'NOT within'} {TOLERANCE:.0%} of the energy table's scaling law\n")
        status = status if within else 1
    return status


if __name__ == "__main__":
    sys.exit(main())
