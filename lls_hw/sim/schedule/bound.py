"""A bound from below: DRAM bytes that every schedule of a program moves, whatever the scratchpad."""

from lls_hw.models.program.program import Program


def compulsory_bytes(program: Program) -> int:
    """Bytes that cross the pins in any order of the program on any scratchpad.

    What the step finds in DRAM and reads before it writes it (pictures, labels, weights, masters, statistics) is loaded
    at least once; what outlives the step and is written is stored at least once. Everything else could stay on chip.
    Whole bursts are not counted, so that the bound holds for every burst length.
    """
    written: set[str] = set()
    total = 0
    loaded: set[str] = set()
    for op in program.ops:
        loaded.update(name for name in op.reads if name not in written)
        written.update(op.writes)
    total += sum(program.tensors[name].size_bytes for name in loaded)
    return total + sum(program.tensors[name].size_bytes for name in written if program.tensors[name].kept)
