"""Make the shipped DRAM devices from `figures/dram_currents.toml` and a folder with `op_energy.csv`.

    python scripts/make_dram.py ../shared/data/energy            # writes lls_hw/models/dram/*.toml
    python scripts/make_dram.py ../shared/data/energy --check    # exit 1 if a shipped device differs

Energies follow from a device's currents I (summed over its supplies, V I) as its data sheet measures them:

    bit       = (IDD4 - IDD3N) tCK / bits a clock
    activate  = IDD0 (tRAS + tRP) - IDD3N tRAS - IDD2N tRP
    refresh   = (IDD5 - IDD3N) tRFC / tREFI          (a power: one refresh every tREFI)

and the power of a state is its own current: active standby IDD3N, precharge standby IDD2N, power-down IDD2P,
self refresh IDD6.
"""

import argparse
import json
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from scripts.make_technology import FIGURES, Pick, find, read_rows

SHELF = Path(__file__).resolve().parent.parent / "lls_hw" / "models" / "dram"
HEADER = "# Made by scripts/make_dram.py from data-sheet currents. Do not edit: copy and rename.\n"
PHY = (
    "HewlettPackard/cacti 1ffd8df extio_technology.cc, LPDDR2 (CACTI-IO): the PHY's dynamic coefficients, 0.3 datapath "
    "+ 0.01 phase rotator + 0.4 clock tree + 0.2 receiver + 0.05 PLL mW/Gb/s"
)
PHY_STATIC = (
    "HewlettPackard/cacti 1ffd8df extio_technology.cc, LPDDR2 (CACTI-IO): the PHY's static coefficients, "
    "5 phase rotator + 3 receiver + 2 PLL mW"
)
PHY_WAKE = "PLL and bandgap wake-up, 10 us, HewlettPackard/cacti 1ffd8df extio_technology.cc, LPDDR2 (CACTI-IO)"
PHY_BIT_PJ, PHY_STATIC_MW, PHY_WAKE_NS = 0.96, 10.0, 10_000.0
BOUNDS = {
    ("lpddr3", "read_bit"): (Pick("dram_bit", "LPDDR3", "n/a"), Pick("dram_bit", "DDR3", "n/a")),
    ("lpddr3", "write_bit"): (Pick("dram_bit", "LPDDR3", "n/a"), Pick("dram_bit", "DDR3", "n/a")),
    ("lpddr4", "read_bit"): (Pick("dram_bit", "LPDDR4", "n/a"), Pick("dram_bit", "LPDDR4 32Gb", "n/a")),
    ("lpddr4", "write_bit"): (None, Pick("dram_bit", "LPDDR4 32Gb", "n/a")),
}
"""What other sources say of a bit: lowest, highest."""


def milliwatts(volts: Sequence[float], amps: Sequence[float]) -> float:
    """Power of all supplies, from their currents in mA."""
    return sum(volt * current for volt, current in zip(volts, amps, strict=True))


def figures(device: Mapping[str, Any]) -> dict[str, tuple[float, str]]:
    """Value and unit of every entry."""

    def power(name: str) -> float:
        return milliwatts(device["volts"], device[name])

    active, standby = power("idd3n"), power("idd2n")
    per_bit = device["tck_ns"] / device["bits_per_clock"]
    ras, rp = device["ras_ns"], device["rp_ns"]
    found = {
        "read_bit": ((power("idd4r") - active) * per_bit, "pJ/bit"),
        "write_bit": ((power("idd4w") - active) * per_bit, "pJ/bit"),
        "activate": (power("idd0") * (ras + rp) - active * ras - standby * rp, "pJ/activate"),
        "active_standby": (active, "mW"),
        "precharge_standby": (standby, "mW"),
        "power_down": (power("idd2p"), "mW"),
        "self_refresh": (milliwatts(device["self_refresh_volts"], device["idd6"]), "mW"),
        "refresh": ((power("idd5") - active) * device["rfc_ns"] / device["refi_ns"], "mW"),
    }
    return {name: (round(value, 4), unit) for name, (value, unit) in found.items()}


def make(folder: Path) -> dict[str, str]:
    """File name and text of every shipped device."""
    ops = read_rows(folder / "op_energy.csv")
    table = tomllib.loads((FIGURES / "dram_currents.toml").read_text(encoding="utf-8"))
    return {f"{name}.toml": _text(name, _whole(table, name), ops) for name in table}


def _whole(table: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A device with what it shares with another."""
    own = table[name]
    return {**(_whole(table, own["like"]) if "like" in own else {}), **own}


def _text(name: str, device: Mapping[str, Any], ops: list[dict[str, str]]) -> str:
    voltage = f"; {device['volts_from']}" if "volts_from" in device else ""
    sources = {"self_refresh": f"{device['self_refresh_from']}{voltage}"}
    source = f"computed by scripts/make_dram.py from {device['currents_from']}{voltage}"
    lines = [HEADER + f'name = "{name}"', f"summary = {json.dumps(device['summary'])}"]
    for entry, (value, unit) in figures(device).items():
        lines += [f"\n[{entry}]", f"value = {value}", f'unit = "{unit}"']
        lines.append(f"source = {json.dumps(sources.get(entry, source))}")
        for bound, pick in zip(("low", "high"), BOUNDS.get((name, entry), (None, None)), strict=True):
            if pick is not None:
                row = find(ops, pick)
                lines.append(f"{bound} = {{ value = {float(row['energy_pj'])}, source = {json.dumps(row['source'])} }}")
    for entry, value, unit, read in (("phy_bit", PHY_BIT_PJ, "pJ/bit", PHY), ("phy", PHY_STATIC_MW, "mW", PHY_STATIC)):
        lines += [f"\n[{entry}]", f"value = {value}", f'unit = "{unit}"', f"source = {json.dumps(read)}"]
    tck, times_from = device["tck_ns"], "; ".join((device["exits_from"], device["currents_from"], PHY_WAKE))
    lines += [
        "\n[times]",
        f"precharge_ns = {device['rp_ns']}",
        f"power_down_exit_ns = {tck * device['xp_clocks']}",
        f"self_refresh_exit_ns = {tck * device['xsr_clocks']}",
        f"phy_wake_ns = {PHY_WAKE_NS}",
        f"source = {json.dumps(times_from)}",
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Iterable[str] | None = None) -> int:
    """Write or check the devices; 1 if a check finds a difference."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="where op_energy.csv is")
    parser.add_argument("--check", action="store_true", help="compare with the shipped devices, write nothing")
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
