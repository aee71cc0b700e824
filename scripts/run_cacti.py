"""Make `figures/cacti.csv` and the wires of `figures/published.csv` anew with CACTI 7.

    git clone https://github.com/HewlettPackard/cacti && make -C cacti      # commit 1ffd8df
    python scripts/run_cacti.py cacti

prints the rows of 32 bits as CSV, then the energy of wires. The settings are those of the published rows: itrs-lstp
cells and periphery, ED^2, 350 K, a plain RAM with one port; with 64 bits and 16 KiB they give 11.6097 and 10.6968 pJ.
"""

import argparse
import csv
import re
import subprocess
import sys
from pathlib import Path

NODES_NM, SIZES_KB, WORD_BITS, FAMILY = (45, 32, 22), tuple(1 << i for i in range(11)), 32, "itrs-lstp"
FIELDS = ("read_pj", "write_pj", "leak_total_mw", "area_mm2", "access_ns")


def settings(size_bytes: int, word_bits: int, node_nm: int) -> dict[str, str]:
    """Lines of CACTI's configuration that differ from its example."""
    arrays = [f"{part} array {kind}" for part in ("Data", "Tag") for kind in ("cell", "peripheral")]
    return {f"-{array} type -": f'"{FAMILY}"' for array in arrays} | {
        "-size (bytes)": str(size_bytes),
        "-block size (bytes)": str(word_bits // 8),
        "-associativity": "1",
        "-technology (u)": str(node_nm / 1000),
        "-output/input bus width": str(word_bits),
        "-operating temperature (K)": "350",
        "-cache type": '"ram"',
        "-Add ECC -": '"false"',
        "-Optimize ED or ED^2 (ED, ED^2, NONE):": '"ED^2"',
        "-Print level (DETAILED, CONCISE) -": '"DETAILED"',
    }


def run(folder: Path, size_bytes: int, word_bits: int, node_nm: int) -> str:
    """What CACTI prints for one memory."""
    wanted = settings(size_bytes, word_bits, node_nm)
    example = (folder / "cache.cfg").read_text(encoding="utf-8").splitlines()
    lines = []
    for line in example:  # CACTI reads them in order: a line stays in its place
        key = next((key for key in wanted if line.startswith(key)), None)
        if key is not None:
            lines.append(f"{key} {wanted.pop(key)}")
        elif not line.strip().startswith(("//", "#", *settings(size_bytes, word_bits, node_nm))):
            lines.append(line)
    path = folder / "one.cfg"
    path.write_text("\n".join([*lines, *(f"{key} {value}" for key, value in wanted.items())]) + "\n", encoding="utf-8")
    done = subprocess.run(["./cacti", "-infile", path.name], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def number(text: str, label: str) -> float:
    """The figure behind a label."""
    found = re.search(re.escape(label) + r"\s*([-+0-9.eE]+)", text)
    if found is None:
        raise SystemExit(f"CACTI printed no '{label}'")
    return float(found[1])


def row(text: str) -> dict[str, str]:
    """A memory's figures."""
    leak = number(text, "leakage power of a bank (mW):") + number(text, "gate leakage power of a bank (mW):")
    high, wide = re.findall(r"Cache height x width \(mm\): ([\d.e-]+) x ([\d.e-]+)", text)[0]
    found = {
        "read_pj": f"{1e3 * number(text, 'read energy per access (nJ):'):.6g}",
        "write_pj": f"{1e3 * number(text, 'write energy per access (nJ):'):.6g}",
        "leak_total_mw": f"{leak:.6f}",
        "area_mm2": f"{float(high) * float(wide):.6f}",
        "access_ns": f"{number(text, 'Access time (ns):'):.6g}",
    }
    return {name: found[name] for name in FIELDS}


def main() -> int:
    """Print the rows, then the wires."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="CACTI, built")
    folder = parser.parse_args().folder
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(("size_kb", "word_bits", "node_nm", "cell", "periph", "optimize", "temp_K", *FIELDS))
    wires = []
    for node in NODES_NM:
        text = ""
        for size_kb in SIZES_KB:
            text = run(folder, 1024 * size_kb, WORD_BITS, node)
            writer.writerow((size_kb, WORD_BITS, node, FAMILY, FAMILY, "ED^2", 350, *row(text).values()))
        slowest = text[text.index("30% Overhead") :]
        wires.append(f"# {node} nm: {1e3 * number(slowest, 'PowerD -'):.6g} pJ a bit and mm")
    print("\n".join(wires))
    return 0


if __name__ == "__main__":
    sys.exit(main())
