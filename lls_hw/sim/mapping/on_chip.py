"""A chip without DRAM: the whole step lives in the scratchpad, or is refused with the bytes that do not fit."""

from collections.abc import Callable

from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.program import Program
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.memory import NO_DRAM
from lls_hw.sim.mapping.context import Context
from lls_hw.sim.mapping.residency import Residency, all_on_chip
from lls_hw.sim.mapping.tile import Plan, moves

WHERE = "chip.dram.device"
LeastBytes = Callable[[Context, Op], int]


def on_chip(program: Program, chip: AcceleratorSpec, least_bytes: LeastBytes) -> Residency:
    """Every tensor in the scratchpad for as long as it lives.

    Raises
    ------
    SpecError : beside the tensors that live at some op there is no room for its smallest tile.
    """
    capacity, residency = chip.scratchpad.capacity_bytes, all_on_chip(program)
    needs = [
        held + least_bytes(Context(program, chip, places, capacity), op)
        for held, places, op in zip(residency.resident_bytes, residency.places, program.ops, strict=True)
    ]
    if (need := max(needs)) > capacity:
        op = program.ops[needs.index(need)]
        raise SpecError(
            WHERE,
            NO_DRAM,
            f"{need - capacity} bytes do not fit: '{program.rule.name}' needs {need} of the scratchpad's {capacity} in "
            f"{op.layer}'s {op.stage} ({op.kind})",
            f"Raise capacity_bytes to {need}, take a smaller batch or network, or give the chip a DRAM.",
        )
    return residency


def refuse_moves(op: Op, plan: Plan) -> None:
    """Refuse tiles that leave the chip all the same: partial sums without room, a basis stored in DRAM.

    Raises
    ------
    SpecError : there is such a transfer.
    """
    moved: dict[str, int] = {}
    for transfer, times, _ in moves(plan):
        moved[transfer.tensor] = moved.get(transfer.tensor, 0) + times * transfer.payload_bytes
    if moved:
        name = max(moved, key=lambda tensor: moved[tensor])
        need = (
            f"{op.layer}'s {op.stage} ({op.kind}) would move {sum(moved.values())} bytes off the chip, most of {name}"
        )
        raise SpecError(WHERE, NO_DRAM, need, "Raise the scratchpad's capacity_bytes, or give the chip a DRAM.")
