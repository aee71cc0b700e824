"""Runs inside the simulator: latents stream through the projector; signs and sums of every case go to a file."""

import json
import os
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, ReadOnly


@cocotb.test()
async def projections(dut):
    task = json.loads(Path(os.environ["LLS_CASES"]).read_text())
    classes, acc_bits = task["classes"], task["acc_bits"]
    Clock(dut.clk, 2, unit="ns").start()
    await FallingEdge(dut.clk)
    dut.valid.value, dut.start.value, dut.z.value = 0, 1, 0
    dut.step.value = sum(step << (c * task["phase_bits"]) for c, step in enumerate(task["steps"]))
    answers = []
    for latents in task["latents"]:
        dut.start.value, dut.valid.value = 1, 0
        await FallingEdge(dut.clk)
        dut.start.value, dut.valid.value = 0, 1
        signs, overflows = [], 0
        for z in latents:
            dut.z.value = z
            await ReadOnly()
            zero, negative = int(dut.zero.value), int(dut.negative.value)
            signs.append([0 if zero else -1 if negative >> c & 1 else 1 for c in range(classes)])
            overflows += int(dut.over.value).bit_count()
            await FallingEdge(dut.clk)
        packed = int(dut.p.value)
        sums = [packed >> (c * acc_bits) & ((1 << acc_bits) - 1) for c in range(classes)]
        sums = [value - (value >> (acc_bits - 1) << acc_bits) for value in sums]
        answers.append({"signs": signs, "p": sums, "square": int(dut.square.value), "overflows": overflows})
    Path(os.environ["LLS_ANSWERS"]).write_text(json.dumps(answers))
