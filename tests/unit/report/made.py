"""Results files made by hand: small, quick, and with everything a page can show."""

import contextlib
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SWEEP_TABLES = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE points(id TEXT PRIMARY KEY, inputs TEXT NOT NULL, label TEXT NOT NULL, status TEXT NOT NULL, error TEXT,
    result TEXT, training_id TEXT, seconds REAL NOT NULL, finished_at TEXT NOT NULL);
CREATE TABLE trainings(id TEXT PRIMARY KEY, inputs TEXT NOT NULL, status TEXT NOT NULL, error TEXT, result TEXT,
    seconds REAL NOT NULL, finished_at TEXT NOT NULL);
"""
PARTS = ("array", "sram", "dram", "vector", "local", "leakage")


def made_sweep(
    path: Path,
    *,
    rules: Sequence[str] = ("lls", "lls_m", "lls_mxm", "bp"),
    bits: Sequence[int] = (4, 8, 16),
    arrays: Sequence[int] = (8, 16, 32),
    seeds: int = 2,
    failed: int = 1,
    trained: bool = True,
    net: str = "smallconv",
) -> Path:
    """A sweep's database with invented, plausible numbers."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript(SWEEP_TABLES)
        db.execute("INSERT INTO meta VALUES ('schema', 'lls-hw/sweep/1')")
        number = 0
        for at, rule in enumerate(rules):
            for width in bits:
                for side in arrays:
                    for seed in range(seeds):
                        number += 1
                        _point(db, number, (net, rule, at, width, side, seed), failed=number <= failed, trained=trained)
        db.commit()
    return path


def _point(db: sqlite3.Connection, number: int, choice: tuple[Any, ...], *, failed: bool, trained: bool) -> None:
    net, rule, at, width, side, seed = choice
    inputs = {"precision": dict.fromkeys(("weight_bits", "activation_bits", "error_bits"), width), "chip": {}}
    inputs["precision"] |= {"master_bits": 16, "accumulator_bits": 32}
    inputs["chip"] = {"array": {"rows": side, "cols": side}}
    learning = {"network": net, "rule": rule, "bits": width, "seed": seed, "epochs": 1}
    inputs |= {"network": net, "rule": rule, "learning": learning if trained else None}
    label = {
        "net": net, "rule": rule, "chip": f"edge_{side}x{side}", "array": f"{side}x{side}", "dataflow": "ws",
        "bits": str(width), "sram_kib": 16 * side, "batch": 8, "technology": "cmos_45nm", "seed": seed,
        "data": "fashion-mnist", "baseline": None, "optimizer": "momentum", "epochs": 1,
    }  # fmt: skip
    accuracy = 88 - 14 * (width == 4) - 1.5 * abs(at - 1) + 1.5 * (rule == "bp") + 0.8 * seed - 0.2 * (width == 8)
    result = None if failed else json.dumps({"totals": _totals(at, width, side), "ratio": None})
    status, error = ("failed", "chip.scratchpad.capacity_bytes = 1024: <b>too small</b>") if failed else ("done", None)
    training = f"t{number}" if trained and not failed else None
    row = (f"p{number:04d}", json.dumps(inputs), json.dumps(label), status, error, result, training, 0.1, "2026-01-01")
    db.execute("INSERT INTO points VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
    if training:
        curve = json.dumps({"curve": [{"epoch": 1, "loss": 3 - accuracy / 40, "test_accuracy": accuracy}]})
        made = training, json.dumps(learning), curve
        db.execute("INSERT INTO trainings VALUES (?, ?, 'done', NULL, ?, 1.0, '2026-01-01')", made)


def _totals(at: int, width: int, side: int) -> dict[str, Any]:
    cycles = int(2e7 * (1 + 0.08 * at) / side * (1 + width / 16))
    energy = {part: (index + 1) * 40.0 * width * (1 + 0.1 * at) * (1 + side / 64) for index, part in enumerate(PARTS)}
    total = sum(energy.values())
    return {
        "cycles": cycles, "time_ms": cycles / 2e5, "macs": {"training_step": 9, "learning_signal": 3, "inference": 4},
        "energy_uj": {"total": total, **energy}, "dram_bytes": {"read": 1000 * width, "write": 300 * width},
        "sram_peak_bytes": 8000 * side, "training_memory_bytes": 100_000 * (1 + at), "area_mm2": side / 20,
        "average_power_mw": total / cycles * 200, "edp_uj_ms": total * cycles / 2e5,
        "energy_uj_low_high": [0.8 * total, 4 * total], "utilization": 0.3 + 2 / side,
    }  # fmt: skip


def made_train(*, epochs: int = 3, with_float: bool = True) -> dict[str, Any]:
    """A training's JSON with invented, plausible numbers."""
    blocks = ("conv1", "conv2", "linear4", "classifier")
    curve = [
        {
            "epoch": epoch, "loss": 1.5 / epoch, "test_accuracy": 90 - 30 / epoch, "learning_rate": 0.05 / epoch,
            "losses": {name: (at + 2) / epoch for at, name in enumerate(blocks)}, "saturated": 1000 // epoch,
            "accumulator_overflows": 0, "lost_update_fraction": 0.05 * epoch,
        }
        for epoch in range(1, epochs + 1)
    ]  # fmt: skip
    tensors = [
        {"tensor": f"{name}/{end}", "bits": bits, "fraction_bits": 5, "used_bits": bits - at, "range_use": 0.5**at,
         "saturated": 7 * at}
        for at, name in enumerate(blocks)
        for end, bits in (("weight", 8), ("weight_grad", 32))
    ]  # fmt: skip
    curves = {"float_curve": [{**row, "test_accuracy": row["test_accuracy"] + 1} for row in curve]}
    return {
        "schema": "lls-hw/train/1", "version": "0.1.0", "curve": curve, "tensors": tensors, "images_per_s": 250.0,
        "inputs": {"network": {"name": "smallconv"}, "rule": {"name": "lls_m"}, "batch": 64, "seed": 0, "data": "made"},
        "energy_uj_per_image": 141.2, "cycles_per_image": 152_165.3, "stopped": False,
        **(curves if with_float else {}),
    }  # fmt: skip


def made_numerics() -> dict[str, Any]:
    """What integers did, invented."""
    ends = ("y", "weight_grad", "delta_y", "gamma_grad")
    rows = [
        {"tensor": f"conv{at}/{end}", "sqnr_db": 5.0 * at + len(end), "cosine": 1 - 0.1 / at}
        for at in range(1, 12)
        for end in ends
    ]
    return {
        "loss": 0.7, "losses": [{"conv1": 0.69, "classifier": 0.7}], "saturated": 3, "accumulator_overflows": 0,
        "saturated_by_tensor": {"conv1/weight": 3}, "lost_update_fraction": 0.23, "against_float": rows,
    }  # fmt: skip
