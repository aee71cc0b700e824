"""Outcome of an epoch: its place in the curve, and how much of its word width each tensor used."""

from collections.abc import Mapping
from typing import Any

from lls_hw.fidelity.counts import StepCounts
from lls_hw.sim.functional.machine import IntegerMachine
from lls_hw.sim.kernels.requant import max_abs

RANGED = ("input", "activation", "error", "gradient", "weight", "master", "momentum", "parameter")


def curve_entry(counts: StepCounts, epoch: int, test_accuracy: float, rate: float) -> dict[str, Any]:
    """The epoch's place in the curve; `rate` is the last step's, `test_accuracy` in percent.

    `counts` are of the epoch's steps; its `guarded` of its test too.
    """
    means = {name: total / counts.steps for name, total in counts.losses.items()}
    return {
        "epoch": epoch,
        "loss": means["classifier"],
        "test_accuracy": test_accuracy,
        "losses": means,
        "learning_rate": rate,
        "saturated": sum(counts.saturated.values()),
        "accumulator_overflows": counts.overflows,
        "guarded": counts.guarded,
        "lost_update_fraction": counts.lost_update_fraction,
    }


def range_use(machine: IntegerMachine, saturated: Mapping[str, int]) -> list[dict[str, Any]]:
    """Share of its word that each tensor of the last step used, and the codes saturated in the epoch.

    `used_bits` counts the sign; `range_use` is the largest |code| over the largest there is.
    """
    rows = []
    for name, tensor in machine.program.tensors.items():
        if tensor.role not in RANGED or name not in machine.values:
            continue
        value, most = machine.values[name], (1 << (tensor.bits - 1)) - 1
        peak = max_abs(value.codes)
        rows.append(
            {
                "tensor": name,
                "bits": tensor.bits,
                "fraction_bits": value.frac,
                "used_bits": min(tensor.bits, peak.bit_length() + 1),
                "range_use": min(1.0, peak / most),
                "saturated": saturated.get(name, 0),
            }
        )
    return rows
