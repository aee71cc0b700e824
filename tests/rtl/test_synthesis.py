"""One element synthesised at 4, 8 and 16 bits grows as the energy table says.

The multiplier grows with the product of the widths, registers linearly, the adder with the accumulator.
Skipped where Yosys is absent.
"""

import re
import shutil
import subprocess

import pytest

from tests.rtl import bench

pytestmark = pytest.mark.skipif(shutil.which("yosys") is None, reason="Yosys is not installed (apt-get install yosys)")

ACC = 32


@pytest.fixture(scope="module")
def cells():
    """{(module, bits): (gates, flip-flops)}; -noalumacc keeps the multiplier apart from the adder behind it."""
    return {(top, bits): synthesise(top, bits) for top in ("pe_ws", "pe_os") for bits in (4, 8, 16)}


def synthesise(top, bits):
    script = (
        f"read_verilog {bench.RTL / top}.v {bench.RTL / 'narrow.v'}; chparam -set BITS {bits} -set ACC {ACC} {top}; "
        f"synth -noalumacc -flatten -top {top}; abc -g AND,XOR,MUX; stat"
    )
    run = subprocess.run(["yosys", "-Q", "-p", script], capture_output=True, text=True, check=True, timeout=120)
    report = run.stdout.rsplit("Number of cells:", 1)[1]
    flops = sum(int(count) for count in re.findall(r"\$_S?DFF\S*\s+(\d+)", report))
    return int(report.split()[0]) - flops, flops


@pytest.mark.parametrize(("top", "words"), [("pe_ws", 3), ("pe_os", 2)])
def test_registers_grow_linearly(cells, top, words):
    accumulators = {"pe_ws": 1, "pe_os": 2}[top] * ACC
    for bits in (4, 8, 16):
        assert cells[top, bits][1] == pytest.approx(words * bits + accumulators, abs=6)  # and the tags


@pytest.mark.parametrize("top", ["pe_ws", "pe_os"])
def test_gates_grow_as_the_product_of_the_widths(cells, top):
    gates = {bits: cells[top, bits][0] for bits in (4, 8, 16)}
    per_product = (gates[16] - gates[4]) / (16**2 - 4**2)
    adder = gates[4] - per_product * 4**2  # the part that depends on the accumulator only
    assert adder > 0
    assert gates[8] == pytest.approx(per_product * 8**2 + adder, rel=0.25)
    grown = (gates[16] - gates[8]) / (gates[8] - gates[4])
    assert grown == pytest.approx((16**2 - 8**2) / (8**2 - 4**2), rel=0.25)
