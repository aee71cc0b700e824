"""One element synthesised at 4, 8 and 16 bits grows as the energy table says; skipped where Yosys is absent."""

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "bench" / "pe_synthesis.py"
SPEC = importlib.util.spec_from_file_location("pe_synthesis", SCRIPT)
synthesis = importlib.util.module_from_spec(SPEC)
sys.modules["pe_synthesis"] = synthesis  # its dataclass looks its module up
SPEC.loader.exec_module(synthesis)


@pytest.mark.parametrize("top", sorted(synthesis.WORDS))
@pytest.mark.skipif(bool(synthesis.missing()), reason=synthesis.missing() or "never")
def test_an_element_grows_as_the_energy_table_says(top):
    cells = {bits: synthesis.synthesise(top, bits) for bits in synthesis.WIDTHS}
    lines, within = synthesis.report(top, cells)
    assert within, "\n".join(lines)
    operands, sums = synthesis.WORDS[top]
    for bits, each in cells.items():
        assert each.flops == pytest.approx(operands * bits + sums * synthesis.ACC, abs=6)  # and the tags
    steps = (cells[16].gates - cells[8].gates) / (cells[8].gates - cells[4].gates)
    assert steps == pytest.approx((16**2 - 8**2) / (8**2 - 4**2), rel=0.25)


@pytest.mark.parametrize(
    ("gates", "flops", "within"),
    [
        ({4: 650, 8: 1130, 16: 3050}, {4: 46, 8: 58, 16: 82}, True),
        ({4: 650, 8: 1500, 16: 3050}, {4: 46, 8: 58, 16: 82}, False),  # off the square
        ({4: 1000, 8: 1050, 16: 1250}, {4: 46, 8: 58, 16: 82}, False),  # on a square, not on the table's
        ({4: 650, 8: 1130, 16: 3050}, {4: 46, 8: 90, 16: 200}, False),  # registers that grow faster
    ],
)
def test_the_verdict_can_be_no(gates, flops, within):
    cells = {bits: synthesis.Cells(gates=gates[bits], flops=flops[bits]) for bits in gates}
    assert synthesis.report("pe_ws", cells)[1] is within


def test_without_yosys_the_script_says_so(monkeypatch, capsys):
    monkeypatch.setattr(synthesis.shutil, "which", lambda _: None)
    assert synthesis.main() == 0
    assert capsys.readouterr().out == "skipped: Yosys is not installed (apt-get install yosys)\n"
