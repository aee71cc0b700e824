"""Make the shipped technology tables from a folder with `cacti_sram.csv` and `op_energy.csv`, and from `figures/`.

    python scripts/make_technology.py ../shared/data/energy            # writes lls_hw/models/technology/*.toml
    python scripts/make_technology.py ../shared/data/energy --check    # exit 1 if a shipped table differs

Every figure is picked by component, operand and node; exactly one row must match, and a row that
was recalled rather than read is refused. Sources are copied word for word. `figures/cacti.csv` (rows of 32 bits)
and the wires in `figures/published.csv` were made by `run_cacti.py` with the CACTI that made `cacti_sram.csv`.

Logic of another node is that of 45 nm times a factor of Stillmaker and Baas (2017): the energy of an operation is
proportional to (a V^2 + b V + c), with a, b, c of the node, here both at the 0.9 V of the 45 nm figures; between the
nodes that they fitted the factor is taken linearly, as hwcomponents does. Leakage takes the same factor, as there.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SHELF = Path(__file__).resolve().parent.parent / "lls_hw" / "models" / "technology"
FIGURES = Path(__file__).resolve().parent / "figures"
HEADER = "# Made by scripts/make_technology.py from published figures. Do not edit: copy and rename.\n"
FAMILY = ("itrs-lstp", "itrs-lstp", "ED^2", "350")
UNSCALED = "40 nm figure taken unscaled: no sourced law maps 40 nm to 45 nm, and no 45 nm figure was read"
REGISTER = (
    "40 nm figure taken unscaled: the 45 nm reference table of timeloop-accelergy-exercises, "
    "0.144 pJ a 16-bit register access, is the same 0.009 pJ a bit"
)
RANDOM = (
    "composition (a 32-bit integer hash of a counter, MurmurHash3's finaliser: 2 multiplies, 3 XORs with a fixed "
    "shift, 1 counter addition), priced by this table's 32-bit operations; no published figure was read"
)


@dataclass(frozen=True)
class Pick:
    """One row of op_energy.csv; `bits` is the operand width its figure is for."""

    component: str
    operand: str
    node: str
    bits: int = 1
    citing: str = ""


@dataclass(frozen=True)
class Choice:
    """The figure taken and those that bound it."""

    value: Pick
    unit: str
    low: Pick | None = None
    high: Pick | None = None
    note: str = ""


SUMMARIES = {
    "cmos_45nm": "45 nm low-standby-power SRAM and wires (CACTI 7), arithmetic of Horowitz 2014",
    "cmos_45nm_synthesised_pe": "cmos_45nm with synthesised 45 nm processing elements in the array",
    "cmos_32nm": "32 nm low-standby-power SRAM and wires (CACTI 7), arithmetic of cmos_45nm scaled (Stillmaker 2017)",
    "cmos_22nm": "22 nm low-standby-power SRAM and wires (CACTI 7), arithmetic of cmos_45nm scaled (Stillmaker 2017)",
}
OWN_NODE, LOGIC_VOLTS = "45", 0.9  # Horowitz's figures are of 45 nm and 0.9 V
SUPPLY_VOLTS = {"45": 1.1, "32": 1.0, "22": 0.8}
"""Supply of itrs-lstp transistors, CACTI 7 tech_params."""
WIRE = Pick("wire", "per bit transition per mm, global 30% delay penalty, itrs-lstp", "")
ALADDIN_WIRE = Pick("wire", "per bit per mm, alpha=0.2, Vdd=1", "45")
CONTROLLER, CONTROLLER_NM, CONTROLLER_VOLTS = Pick("dram_controller", "per bit, 1.1 V", "65"), 65, 1.1

LOGIC = {
    "multiplier": Choice(
        Pick("int_mul", "8", "45", 8),
        "pJ/operation",
        low=Pick("int_mul", "32", "45", 32),
        high=Pick("int_mul", "32 @1ns", "40", 32),
    ),
    "adder": Choice(
        Pick("int_add", "32", "45", 32),
        "pJ/operation",
        low=Pick("int_add", "32 @5ns", "40", 32),
        high=Pick("int_add", "32 @1ns", "40", 32),
    ),
    "register_bit": Choice(Pick("register", "1 bit @1ns", "40"), "pJ/write", note=REGISTER),
    "shifter": Choice(Pick("shifter", "32 @1ns", "40", 32), "pJ/operation", note=UNSCALED),
    "comparator": Choice(Pick("comparator", "32 @1ns", "40", 32), "pJ/operation", note=UNSCALED),
    "bitwise": Choice(Pick("bitwise", "32 @1ns", "40", 32), "pJ/operation", note=UNSCALED),
}
LEAKAGE = {
    "multiplier": Choice(Pick("int_mul_leakage", "32 @5ns", "40", 32), "mW", note=UNSCALED),
    "adder": Choice(Pick("int_add_leakage", "32", "40", 32), "mW", note=UNSCALED),
    "register_bit": Choice(Pick("register_leakage", "1 bit", "40"), "mW", note=UNSCALED),
    "shifter": Choice(Pick("shifter_leakage", "32", "40", 32), "mW", note=UNSCALED),
}
HOROWITZ_SRAM = {8: "8KB 64b word", 32: "32KB 64b word", 1024: "1MB 64b word"}

Rows = list[dict[str, str]]


def read_rows(path: Path) -> Rows:
    """The rows of a CSV file with a header."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def find(rows: Rows, pick: Pick) -> dict[str, str]:
    """The one row a pick means; a recalled row, or any number of rows but one, is an error."""
    key = (pick.component, pick.operand, pick.node)
    found = [
        row
        for row in rows
        if (row["component"], row["bits_or_capacity"], row["tech_nm"]) == key and pick.citing in row["source"]
    ]
    if len(found) != 1:
        raise SystemExit(f"op_energy.csv: {len(found)} rows match {key}, need exactly 1")
    if found[0]["verified"] != "read":
        raise SystemExit(f"op_energy.csv: {key} is marked {found[0]['verified']!r} and must not be used")
    return found[0]


def figure(rows: Rows, pick: Pick, factor: float = 1.0) -> str:
    """`value` (times a factor), `bits`, `source` as TOML pairs; a range in the CSV is not a figure."""
    row = find(rows, pick)
    bits = f"bits = {pick.bits}, " if pick.bits != 1 else ""
    return f"value = {_scaled(float(row['energy_pj']), factor)}, {bits}source = {json.dumps(row['source'])}"


def _scaled(value: float, factor: float) -> float:
    return value if factor == 1.0 else float(f"{value * factor:.6g}")


def entry(rows: Rows, choice: Choice, factor: float = 1.0, law: str = "") -> str:
    """One entry as the body of a TOML table, scaled by a law's factor."""
    lines = [figure(rows, choice.value, factor).replace(", bits", "\nbits", 1).replace(", source", "\nsource", 1)]
    lines.append(f'unit = "{choice.unit}"')
    if choice.value.node.isdigit():
        lines.append(f"node_nm = {choice.value.node}")
    if note := "; ".join(part for part in (choice.note, law) if part):
        lines.append(f"node_note = {json.dumps(note)}")
    for name, pick in (("low", choice.low), ("high", choice.high)):
        if pick is not None:
            lines.append(f"{name} = {{ {figure(rows, pick, factor)} }}")
    return "\n".join(lines)


def tables(rows: Rows, group: str, choices: dict[str, Choice], factor: float = 1.0, law: str = "") -> str:
    """A group of entries."""
    return "\n".join(f"[{group}.{name}]\n{entry(rows, choice, factor, law)}\n" for name, choice in choices.items())


def logic_factor(coefficients: Rows, node: str) -> float:
    """Energy of an operation at a node over that at 45 nm, both at 0.9 V; see the module.

    Examples
    --------
    >>> rows = [{"node_nm": n, "energy_a": "1", "energy_b": "0", "energy_c": c} for n, c in (("45", "0"), ("20", "1"))]
    >>> logic_factor(rows, "45")
    1.0
    """

    def energy(row: dict[str, str]) -> float:
        a, b, c = (float(row[f"energy_{name}"]) for name in "abc")
        return a * LOGIC_VOLTS**2 + b * LOGIC_VOLTS + c

    fitted = sorted((float(row["node_nm"]), energy(row)) for row in coefficients)
    at = float(node)
    (low, under), (high, over) = (
        max(one for one in fitted if one[0] <= at),
        min(one for one in fitted if one[0] >= at),
    )
    there = over if low == high else under + (over - under) * (at - low) / (high - low)
    return there / dict(fitted)[float(OWN_NODE)]


def law_of(factor: float, node: str) -> str:
    """What a scaled figure says of itself."""
    return (
        f"times {factor:.4f}: 45 nm to {node} nm at 0.9 V by the energy polynomials of Stillmaker and Baas, "
        "Integration 58 (2017), as coded in PyPI hwcomponents 1.0.114 scaling/techscaling.py"
    )


def on_chip(rows: Rows, node: str) -> str:
    """Wires and memory controller."""
    own = Pick(WIRE.component, WIRE.operand, node)
    low = ALADDIN_WIRE if node == OWN_NODE else None
    text = f"[wire]\n{entry(rows, Choice(own, 'pJ/bit/mm', low=low))}\n\n"
    factor = float(node) / CONTROLLER_NM * (SUPPLY_VOLTS[node] / CONTROLLER_VOLTS) ** 2
    law = (
        f"times {factor:.4f}: {node}/{CONTROLLER_NM} in feature size and ({SUPPLY_VOLTS[node]}/{CONTROLLER_VOLTS})^2 "
        "in supply, as MCBackend scales it"
    )
    return text + f"[dram_controller_bit]\n{entry(rows, Choice(CONTROLLER, 'pJ/bit'), factor, law)}\n"


def sram(cacti: Rows, ops: Rows, node: str) -> str:
    """The family's rows at a node, and Horowitz's accesses at 45 nm."""
    cell, periphery, optimize, kelvin = FAMILY
    source = f"CACTI 7, {node} nm, {cell} cells, {periphery} periphery, {optimize}, {kelvin} K"
    text = f"[sram]\nsource = {json.dumps(source)}\ncell = {json.dumps(cell)}\nperiphery = {json.dumps(periphery)}\n"
    text += f'optimize = "{optimize}"\ntemperature_k = {kelvin}\nrows = [\n'
    keys = ("size_kb", "word_bits", "read_pj", "write_pj", "leak_total_mw", "area_mm2", "access_ns")
    for row in cacti:
        family = (row["node_nm"], row["cell"], row["periph"], row["optimize"], row["temp_K"])
        if family == (node, *FAMILY):
            text += "  { " + ", ".join(f"{key} = {_number(row[key])}" for key in keys) + " },\n"
    text += "]\n"
    if node != "45":
        return text
    picks = {size: find(ops, Pick("sram_access", operand, "45")) for size, operand in HOROWITZ_SRAM.items()}
    text += f"\n[[sram.others]]\nsource = {json.dumps(picks[8]['source'])}\nword_bits = 64\nrows = [\n"
    for size, row in picks.items():
        text += f"  {{ size_kb = {size}, access_pj = {float(row['energy_pj'])} }},\n"
    return text + "]\n"


def _number(text: str) -> str:
    return text if text.isdigit() else repr(float(text))


def elements(ops: Rows) -> str:
    """Synthesised elements: in a 4x4 array, bounded above by a lone one."""
    text = ""
    for key, component, unit in (("mac", "systolic_PE_MAC", "pJ/MAC"), ("leakage", "systolic_PE_leakage", "uW")):
        for bits in (2, 4, 8, 16):
            inside = Pick(component, f"{bits}x{bits} (4x4 array)", "45", bits)
            alone = Pick(component, f"{bits}x{bits} (1x1 array)", "45", bits)
            text += f"\n[[element.{key}]]\n" + entry(ops, Choice(inside, unit, high=alone)) + "\n"
    return text


def make(folder: Path) -> dict[str, str]:
    """File name and text of every shipped table."""
    ops = read_rows(folder / "op_energy.csv") + read_rows(FIGURES / "published.csv")
    cacti = read_rows(FIGURES / "cacti.csv") + read_rows(folder / "cacti_sram.csv")
    coefficients = read_scaling(folder / "stillmaker_baas_2017.csv")
    random = f"[random]\nbits = 32\nmultiplies = 2\nadds = 1\nbitwise = 3\nsource = {json.dumps(RANDOM)}\n"
    made: dict[str, str] = {}
    for name, summary in SUMMARIES.items():
        node = name.removeprefix("cmos_")[:2]
        factor = logic_factor(coefficients, node)
        law = law_of(factor, node) if node != OWN_NODE else ""
        text = "\n".join(
            (
                f"{HEADER}name = {json.dumps(name)}\nsummary = {json.dumps(summary)}\nnode_nm = {node}\n",
                sram(cacti, ops, node),
                on_chip(ops, node),
                tables(ops, "logic", LOGIC, factor, law),
                tables(ops, "leakage", LEAKAGE, factor, law),
                random,
            )
        )
        made[f"{name}.toml"] = text + elements(ops) if name.endswith("_pe") else text
    return made


def read_scaling(path: Path) -> Rows:
    """The rows of a CSV file below its comments."""
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def main(arguments: Iterable[str] | None = None) -> int:
    """Write or check the tables; 1 if a check finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where cacti_sram.csv and op_energy.csv are")
    parser.add_argument("--check", action="store_true", help="compare with the shipped tables, write nothing")
    options = parser.parse_args(None if arguments is None else list(arguments))
    stale = []
    for name, text in make(options.folder).items():
        path = SHELF / name
        if options.check:
            stale += [] if path.is_file() and path.read_text(encoding="utf-8") == text else [name]
        else:
            path.write_text(text, encoding="utf-8")
            print(path)
    if stale:
        print(f"differ from the data: {', '.join(stale)}", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
