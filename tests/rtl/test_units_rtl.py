"""Requantiser, basis generator and projection accumulators: RTL against exact integers and against the kernels."""

import json
import random
from fractions import Fraction
from math import floor

import numpy as np
import pytest

from lls_hw.sim.kernels.local import sign_basis
from lls_hw.sim.kernels.scalar import shift_round
from lls_hw.sim.kernels.tables import basis_increments
from tests.rtl import bench

pytestmark = pytest.mark.skipif(bool(bench.missing()), reason=bench.missing() or "never")

NEAREST_EVEN, HALF_UP, FLOOR, STOCHASTIC = range(4)


def hold(exact, bits, wraps):
    """(`exact` in `bits`, whether it did not fit)."""
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    wrapped = (exact - low) % (1 << bits) + low
    return (wrapped if wraps else min(max(exact, low), high)), int(not low <= exact <= high)


def rounded(acc, shift, mode, bits):
    """acc / 2**shift rounded once, by exact rational arithmetic."""
    value = Fraction(acc) / Fraction(2) ** min(shift, 62)
    down = floor(value)
    rest = value - down
    if shift <= 0 or mode == FLOOR or rest == 0:
        return down
    if mode == STOCHASTIC:
        cut = min(shift, 62)
        draw = bits << (cut - 32) if cut > 32 else bits % (1 << cut)
        return down + (rest * 2**cut > draw)
    tie_up = mode == HALF_UP or down % 2 == 1
    return down + (rest > Fraction(1, 2) or (rest == Fraction(1, 2) and tie_up))


@pytest.mark.parametrize(("acc_bits", "bits", "wraps"), [(32, 8, 0), (20, 16, 1), (48, 4, 1), (62, 2, 0)])
def test_requantiser__exact(tmp_path, acc_bits, bits, wraps):
    pick = random.Random(acc_bits)
    low, high = -(1 << (acc_bits - 1)), (1 << (acc_bits - 1)) - 1
    cases = []
    for index in range(400):
        shift = pick.randint(-8, acc_bits + 4)
        acc = pick.choice([pick.randint(low, high), pick.randint(-40, 40), low, high])
        if index % 4 == 0 and 0 < shift < acc_bits:  # ties
            acc = hold((2 * pick.randint(-9, 9) + 1) << (shift - 1), acc_bits, True)[0]
        cases.append((acc, shift, index % 4 if index < 100 else pick.randrange(4), pick.getrandbits(32)))
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    bench.simulate(
        tmp_path,
        "requantise",
        "drive_requantise",
        {"IN": acc_bits, "OUT": bits, "WRAP": wraps},
        {"LLS_CASES": str(tmp_path / "cases.json"), "LLS_ANSWERS": str(tmp_path / "answers.json")},
    )
    answers = json.loads((tmp_path / "answers.json").read_text())
    for case, answer in zip(cases, answers, strict=True):
        assert tuple(answer) == hold(rounded(*case), bits, wraps), case
        if abs(case[0]) << max(-case[1], 0) < 1 << 62:
            acc, shift, mode, chance = (np.int64(value) for value in case)
            assert tuple(answer) == hold(int(shift_round(acc, shift, mode, chance)), bits, wraps), case


@pytest.mark.parametrize(
    ("classes", "phase_bits", "acc_bits", "wraps"), [(2, 48, 32, 0), (5, 24, 14, 1), (3, 62, 12, 0)]
)
def test_projector_and_basis__exact(tmp_path, classes, phase_bits, acc_bits, wraps):
    pick = random.Random(classes)
    steps = [int(step) for step in basis_increments(classes, phase_bits)]
    latents = [[pick.randint(-2048, 2047) for _ in range(length)] for length in (1, 2, 37, 128)]
    latents.append([-2048] * 60)
    task = {"classes": classes, "phase_bits": phase_bits, "acc_bits": acc_bits, "steps": steps, "latents": latents}
    (tmp_path / "cases.json").write_text(json.dumps(task))
    bench.simulate(
        tmp_path,
        "projector",
        "drive_projector",
        {"CLASSES": classes, "PHASE": phase_bits, "BITS": 12, "ACC": acc_bits, "WRAP": wraps},
        {"LLS_CASES": str(tmp_path / "cases.json"), "LLS_ANSWERS": str(tmp_path / "answers.json")},
    )
    answers = json.loads((tmp_path / "answers.json").read_text())
    for case, answer in zip(latents, answers, strict=True):
        signs = np.zeros((classes, len(case)), np.int64)
        sign_basis(np.array(steps), np.int64(phase_bits), signs)
        assert answer["signs"] == signs.T.tolist()
        sums, overflows = [0] * classes, 0
        for t, z in enumerate(case):
            for c in range(classes):
                sums[c], over = hold(sums[c] + int(signs[c, t]) * z, acc_bits, wraps)
                overflows += over
        assert (answer["p"], answer["overflows"]) == (sums, overflows)
        assert answer["square"] == sum(z * z for z in case)


def test_the_sources_are_verilog_2001(tmp_path):
    import subprocess

    for top in ("gemm_ws", "gemm_os", "requantise", "projector"):
        build = subprocess.run(
            [
                "iverilog",
                "-g2001",
                "-Wall",
                "-s",
                top,
                "-o",
                str(tmp_path / top),
                *map(str, sorted(bench.RTL.glob("*.v"))),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        assert build.returncode == 0, build.stderr
        told = [
            line for line in build.stderr.splitlines() if "timescale" not in line and "sensitive to all" not in line
        ]
        assert not told
