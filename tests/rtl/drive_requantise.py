"""Runs inside the simulator: every case of a file through the requantiser; the answers go to a file."""

import json
import os
from pathlib import Path

import cocotb
from cocotb.triggers import Timer


@cocotb.test()
async def codes(dut):
    answers = []
    for acc, shift, mode, random in json.loads(Path(os.environ["LLS_CASES"]).read_text()):
        dut.acc.value, dut.shift.value, dut.mode.value, dut.random.value = acc, shift, mode, random
        await Timer(1, unit="ns")
        answers.append((dut.code.value.to_signed(), int(dut.over.value)))
    Path(os.environ["LLS_ANSWERS"]).write_text(json.dumps(answers))
