"""Make the shipped technology tables from a folder with `cacti_sram.csv` and `op_energy.csv`.

    python scripts/make_technology.py ../shared/data/energy            # writes lls_hw/models/technology/*.toml
    python scripts/make_technology.py ../shared/data/energy --check    # exit 1 if a shipped table differs

Every figure is picked by component, operand and node; exactly one row must match, and a row that
was recalled rather than read is refused. Sources are copied word for word.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SHELF = Path(__file__).resolve().parent.parent / "lls_hw" / "models" / "technology"
HEADER = "# Made by scripts/make_technology.py from cacti_sram.csv and op_energy.csv. Do not edit: copy and rename.\n"
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
SUMMARIES = {
    "cmos_45nm": "45 nm low-standby-power SRAM (CACTI 7), arithmetic of Horowitz 2014, LPDDR3",
    "cmos_45nm_synthesised_pe": "cmos_45nm with synthesised 45 nm processing elements in the array",
    "cmos_32nm": "32 nm low-standby-power SRAM (CACTI 7), LPDDR3; no sourced arithmetic, so it prices none",
    "cmos_22nm": "22 nm low-standby-power SRAM (CACTI 7), LPDDR3; no sourced arithmetic, so it prices none",
}


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
LEAST, MOST = Pick("dram_bit", "LPDDR3", "n/a"), Pick("dram_bit", "DDR3", "n/a")
DRAM = {
    "read_bit": Choice(Pick("dram_bit_read", "LPDDR3 burst, row open", "n/a"), "pJ/bit", LEAST, MOST),
    "write_bit": Choice(Pick("dram_bit_write", "LPDDR3 burst, row open", "n/a"), "pJ/bit", LEAST, MOST),
    "activate": Choice(Pick("dram_activate", "LPDDR3 ACT+PRE", "n/a"), "pJ/activate"),
    "background": Choice(
        Pick("dram_background", "LPDDR3 active standby", "n/a"),
        "mW",
        low=Pick("dram_background", "LPDDR3 precharge standby", "n/a"),
    ),
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


def figure(rows: Rows, pick: Pick) -> str:
    """`value`, `bits`, `source` as TOML pairs; a range in the CSV is not a figure."""
    row = find(rows, pick)
    bits = f"bits = {pick.bits}, " if pick.bits != 1 else ""
    return f"value = {float(row['energy_pj'])}, {bits}source = {json.dumps(row['source'])}"


def entry(rows: Rows, choice: Choice) -> str:
    """One entry as the body of a TOML table."""
    lines = [figure(rows, choice.value).replace(", bits", "\nbits", 1).replace(", source", "\nsource", 1)]
    lines.append(f'unit = "{choice.unit}"')
    if choice.value.node.isdigit():
        lines.append(f"node_nm = {choice.value.node}")
    if choice.note:
        lines.append(f"node_note = {json.dumps(choice.note)}")
    for name, pick in (("low", choice.low), ("high", choice.high)):
        if pick is not None:
            lines.append(f"{name} = {{ {figure(rows, pick)} }}")
    return "\n".join(lines)


def tables(rows: Rows, group: str, choices: dict[str, Choice]) -> str:
    """A group of entries."""
    return "\n".join(f"[{group}.{name}]\n{entry(rows, choice)}\n" for name, choice in choices.items())


def sram(cacti: Rows, ops: Rows, node: str) -> str:
    """The family's rows at a node, and Horowitz's accesses at 45 nm."""
    cell, periphery, optimize, kelvin = FAMILY
    source = f"CACTI 7, {node} nm, {cell} cells, {periphery} periphery, {optimize}, {kelvin} K (cacti_sram.csv)"
    text = f"[sram]\nsource = {json.dumps(source)}\ncell = {json.dumps(cell)}\nperiphery = {json.dumps(periphery)}\n"
    text += f'optimize = "{optimize}"\ntemperature_k = {kelvin}\nbank_kb = 1024\nrows = [\n'
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
    ops, cacti = read_rows(folder / "op_energy.csv"), read_rows(folder / "cacti_sram.csv")
    random = f"[random]\nbits = 32\nmultiplies = 2\nadds = 1\nbitwise = 3\nsource = {json.dumps(RANDOM)}\n"
    arithmetic = "\n".join([tables(ops, "logic", LOGIC), tables(ops, "leakage", LEAKAGE), random])
    made: dict[str, str] = {}
    for name, summary in SUMMARIES.items():
        node = name.removeprefix("cmos_")[:2]
        head = f"{HEADER}name = {json.dumps(name)}\nsummary = {json.dumps(summary)}\nnode_nm = {node}\n"
        body = [head, sram(cacti, ops, node), tables(ops, "dram", DRAM)]
        if node == "45":
            body.append(arithmetic)
        text = "\n".join(body)
        made[f"{name}.toml"] = text + elements(ops) if name.endswith("_pe") else text
    return made


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
