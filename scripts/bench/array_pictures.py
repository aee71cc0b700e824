"""Draws the pictures of docs/array.md.

python scripts/bench/array_pictures.py FOLDER
"""

import sys
from pathlib import Path

import numpy as np

from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.report.array_drawing import draw_array
from lls_hw.sim.array.registers import run_array

A = np.array([[1, 2, 3, 1], [4, 5, 6, -2], [7, 8, 9, 3]])
B = np.array([[1, 2], [3, -4], [5, 1], [2, 3]])


def picture(dataflow: str) -> str:
    """The (3, 4) @ (4, 2) product on a 2x2 array."""
    run = run_array(A, B, ArraySpec(rows=2, cols=2, dataflow=dataflow), record_cycles=99)
    assert run.record is not None
    return draw_array(run.record, f"{dataflow} 2x2, (3, 4) @ (4, 2)")


def main(folder: str) -> None:
    flows: tuple[str, ...] = ("ws", "os")
    for dataflow in flows:
        (Path(folder) / f"array-{dataflow}.svg").write_text(picture(dataflow), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
