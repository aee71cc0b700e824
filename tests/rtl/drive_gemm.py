"""Runs inside the simulator: feeds each case of a file to `gemm_ws` or `gemm_os` and writes what came out.

`LLS_CASES` names a JSON list of {m, k, n, a, b}; the answers go to the file `LLS_ANSWERS`. No check
is made here: pytest compares bits and cycles outside.
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
    """One matrix product; the operands go straight into the memories."""
    m, k, n = case["m"], case["k"], case["n"]
    await FallingEdge(dut.clk)
    for memory, values in ((dut.a_mem, case["a"]), (dut.b_mem, case["b"])):
        for place, value in enumerate(value for row in values for value in row):
            memory[place].value = value
    dut.m.value, dut.k.value, dut.n.value, dut.start.value = m, k, n, 1
    await FallingEdge(dut.clk)
    dut.start.value = 0
    await FallingEdge(dut.clk)
    if not dut.done.value:
        await with_timeout(RisingEdge(dut.done), 2 * MOST_CYCLES, "ns")
    await FallingEdge(dut.clk)
    down, across = (n, m) if transposed else (m, n)
    banks = [dut.column[c].under.bank for c in range(min(across, len(dut.column)))]
    rows = [[banks[j % len(dut.column)][j // len(dut.column) * down + i].value.to_signed() for j in range(across)]
            for i in range(down)]  # fmt: skip
    outputs = [list(row) for row in zip(*rows, strict=True)] if transposed else rows
    return {"outputs": outputs, "cycles": int(dut.cycles.value), "overflows": int(dut.overflows.value)}
