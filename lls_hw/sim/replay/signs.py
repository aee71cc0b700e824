"""A stored basis: the signs of the square basis, a bit each, beside the op that uses them."""

from dataclasses import dataclass

import numpy as np

from lls_hw.models.program.names import tensor_name
from lls_hw.models.program.ops.base import Op
from lls_hw.models.program.ops.local import LocalBackproject, LocalProject
from lls_hw.sim.functional import local
from lls_hw.sim.kernels.codes import Ints
from lls_hw.sim.mapping.recipes.local import SIGN_BITS
from lls_hw.sim.mapping.tile import Transfer
from lls_hw.sim.replay.dram import Dram
from lls_hw.sim.replay.machine import TileMachine
from lls_hw.sim.replay.memory import Area
from lls_hw.sim.replay.region import whole


@dataclass(slots=True)
class Signs:
    """The basis of one op that is not generated: in the scratchpad from the start, or loaded from DRAM."""

    layer: str
    rows: int
    latents: int
    codes: Ints

    @property
    def name(self) -> str:
        """Under which it moves."""
        return tensor_name(self.layer, "basis")

    @classmethod
    def of(cls, op: Op, m: TileMachine, stored: str) -> "Signs | None":
        """The signs that an op reads from memory, if it does."""
        if stored == "generated" or not isinstance(op, LocalProject | LocalBackproject) or op.projection is not None:
            return None
        return cls(op.layer, op.rows, op.latents, signs_of(op.rows, op.latents, m.phase_bits))

    def load(self, transfer: Transfer, dram: Dram) -> None:
        """They come from DRAM."""
        assert transfer.tensor == self.name, f"{transfer.tensor} is no basis"
        self.codes = dram.load(transfer, whole(self.rows * self.latents))

    def place(self, address: int, m: TileMachine) -> Area:
        """They lie at an address; what the unit takes is read there."""
        area = m.pad.open(self.name, address, whole(self.codes.size), SIGN_BITS, write=False)
        area.write(area.region, self.codes)
        found = m.pad.find(area.tensor, area.region).reshape(self.rows, self.latents)
        basis = np.where(found < 0, -1, 1).astype(np.int8)
        basis[:, 0] = 0  # column t = 0 is known
        m.constants[f"basis/{self.rows}x{self.latents}"] = basis
        return area


def signs_of(rows: int, latents: int, phase_bits: int) -> Ints:
    """One bit a sign: -1 where it is negative."""
    return np.minimum(local.basis(rows, latents, phase_bits), 0).reshape(-1)
