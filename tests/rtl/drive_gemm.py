"""Runs inside the simulator: feeds each case of a file to `gemm_ws` or `gemm_os` and writes what came out.

`LLS_CASES` names a JSON list of {parts, turn, longer, waits}; a part {m, k, n, a, b} adds to the sums of the one
before, which stay in the accumulators. The answers go to the file `LLS_ANSWERS`. No check is made here: pytest compares
bits and cycles outside.
"""

import json
import os
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge, with_timeout

MOST_CYCLES = 50_000  # a product that takes longer hangs


@cocotb.test()
async def products(dut):
    cases = json.loads(Path(os.environ["LLS_CASES"]).read_text())
    transposed = os.environ["LLS_TRANSPOSED"] == "1"
    Clock(dut.clk, 2, unit="ns").start()
    answers = [await product(dut, case, transposed) for case in cases]
    Path(os.environ["LLS_ANSWERS"]).write_text(json.dumps(answers))


async def product(dut, case, transposed):
    """One matrix product, part after part of k; the last one's sums leave the accumulators."""
    turns = {name: case[name] for name in ("turn", "longer", "waits") if hasattr(dut, name)}
    cycles, overflows, clashes = [], [], 0
    for index, one in enumerate(case["parts"]):
        last = index == len(case["parts"]) - 1
        flags = {"continues": int(index > 0), "keeps": int(not last)}
        await part(dut, one, {**turns, **flags})
        cycles.append(int(dut.cycles.value))
        overflows.append(int(dut.overflows.value))
        clashes += int(dut.clashes.value) if hasattr(dut, "clashes") else 0
    m, n = case["parts"][0]["m"], case["parts"][0]["n"]
    down, across = (n, m) if transposed else (m, n)
    results = [dut.column[c].result for c in range(min(across, len(dut.column)))]
    rows = [[results[j % len(dut.column)][j // len(dut.column) * down + i].value.to_signed() for j in range(across)]
            for i in range(down)]  # fmt: skip
    outputs = [list(row) for row in zip(*rows, strict=True)] if transposed else rows
    return {"outputs": outputs, "cycles": cycles, "overflows": overflows, "clashes": clashes}


async def part(dut, one, inputs):
    """One run of the array; the operands go straight into the memories."""
    await FallingEdge(dut.clk)
    for memory, values in ((dut.a_mem, one["a"]), (dut.b_mem, one["b"])):
        for place, value in enumerate(value for row in values for value in row):
            memory[place].value = value
    for name in ("m", "k", "n"):
        getattr(dut, name).value = one[name]
    for name, value in inputs.items():
        getattr(dut, name).value = value
    dut.start.value = 1
    await FallingEdge(dut.clk)
    dut.start.value = 0
    await FallingEdge(dut.clk)
    if not dut.done.value:
        await with_timeout(RisingEdge(dut.done), 2 * MOST_CYCLES, "ns")
    await FallingEdge(dut.clk)
