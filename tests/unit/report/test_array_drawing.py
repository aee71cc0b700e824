"""The picture is well-formed and shows the numbers that were in the registers."""

import importlib.util
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.report.array_drawing import draw_array
from lls_hw.sim.array.registers import run_array


def film(dataflow, cycles=100):
    a, b = np.array([[1, 2], [3, 4], [5, 6]]), np.array([[7, 8, 9], [10, 11, 12]])
    return run_array(a, b, ArraySpec(rows=2, cols=2, dataflow=dataflow), record_cycles=cycles)


@pytest.mark.parametrize("dataflow", ["ws", "os", "is"])
def test_every_output_appears(dataflow):
    run = film(dataflow)
    root = ET.fromstring(draw_array(run.record, "3x2 @ 2x3"))
    texts = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "3x2 @ 2x3"
    assert sum(text.startswith("cycle ") for text in texts) == run.cycles
    assert {str(value) for value in run.outputs.reshape(-1)} <= set(texts)


def test_a_record_too_large_is_refused():
    run = run_array(np.ones((99, 9), int), np.ones((9, 9), int), ArraySpec(rows=9, cols=9), record_cycles=200)
    with pytest.raises(SpecError, match=r"^draw = '\d+x9x9': a picture holds 1 to 4000 cells .* Draw a smaller array"):
        draw_array(run.record)


@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_the_pictures_of_the_page_are_what_the_script_draws(dataflow):
    root = Path(__file__).resolve().parents[3]
    spec = importlib.util.spec_from_file_location("pictures", root / "scripts" / "bench" / "array_pictures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.picture(dataflow) == (root / "docs" / f"array-{dataflow}.svg").read_text(encoding="utf-8")
