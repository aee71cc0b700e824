"""The functional engine's machine for one tile at a time: it reads and writes the scratchpad, by place.

What a chip keeps in registers stands beside the bytes: a tensor's scale (`fracs`), the largest magnitude that the unit
which wrote it has seen (`peaks`), and what the last step has left in `Scales`.
"""

import copy
from collections.abc import Mapping
from typing import Any

from lls_hw.models.program.ops.base import Op, Operand
from lls_hw.models.program.program import Program
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.precision import Rounding
from lls_hw.sim.functional.machine import IntegerMachine, Peak, Scales, fitting_frac
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels import requant
from lls_hw.sim.kernels.codes import Ints
from lls_hw.sim.kernels.events import Events
from lls_hw.sim.kernels.requant import Narrowing, container
from lls_hw.sim.replay.errors import ReplayError
from lls_hw.sim.replay.region import Region, whole
from lls_hw.sim.replay.scratchpad import Scratchpad


class StepScales(Scales):
    """The scales of one step, all of which stand before it; what it sees is for the next (`later`).

    A tensor that was zero in the last step has left no scale: it is taken to be zero again, and refused if it is not.
    """

    def __init__(self, scales: Scales) -> None:
        super().__init__(scales.policy, dict(scales.seen), dict(scales.fixed))
        self.later: dict[str, Peak] = {}
        self.zeros: set[str] = set()

    def known(self, name: str) -> bool:
        """Every scale is."""
        return True

    def frac(self, name: str, bits: int, measure: Any) -> int:  # noqa: ANN401  (never called)
        """By the last step."""
        if super().known(name):
            return super().frac(name, bits, measure)
        self.zeros.add(name)
        return fitting_frac(Peak(0, 0), bits)

    def watches(self, name: str) -> bool:
        """As before the step."""
        return self.policy != "static" or not super().known(name)

    def saw(self, name: str, peak: Peak) -> None:
        """A tile's peak joins those of the tensor's other tiles."""
        if peak.code and name in self.zeros:
            raise ReplayError("its scale is not known before the step: it was zero in the last one", tensor=name)
        known = self.later.get(name)
        if peak.code and (known is None or peak.code << max(0, known.frac - peak.frac) > known.code):
            self.later[name] = peak


class TileMachine(IntegerMachine):
    """An `IntegerMachine` whose operands are the parts of tensors that a tile has at hand.

    Attributes
    ----------
    where : the part of each tensor that the running tile reads and writes.
    joint : the largest magnitude of all groups of channels of sums of which one group is narrowed.
    direct : an operand that the unit before has at hand: finished sums.
    kept : what units keep from one op to another beside the tensors: a scale that was decided, means, an exponent.
    """

    def __init__(
        self,
        program: Program,
        chip: AcceleratorSpec,
        start: IntegerMachine,
        pad: Scratchpad,
        tensors: Mapping[str, Any],
    ) -> None:
        super().__init__(program, {}, chip=chip, seed=start.seed)
        self.step, self.learning_rate = start.step, start.learning_rate
        self.scales, self.pad, self.tensors = StepScales(start.scales), pad, tensors
        self.where: dict[str, Region] = {}
        self.fracs: dict[str, int] = {}
        self.peaks: dict[str, int] = {}
        self.fresh_peaks: dict[str, int] = {}
        self.fresh_fracs: dict[str, int] = {}
        self.kept: dict[str, Any] = {}
        self.direct: dict[str, Ints] = {}
        self.joint: dict[str, int] = {}
        self.begin(0, program.ops[0])

    def know(self, name: str, value: Value) -> None:
        """Learn what stands beside a tensor that the step starts with."""
        self.fracs[name], self.peaks[name] = value.frac, requant.max_abs(value.codes)

    def settle(self) -> None:
        """The running op's results stand, with their scales and peaks."""
        self.peaks.update(self.fresh_peaks)
        self.fracs.update(self.fresh_fracs)
        self.fresh_peaks, self.fresh_fracs = {}, {}

    def at(self, op: Op, where: Mapping[str, Region]) -> None:
        """From now on a tile of an op is worked on, which has these parts of its operands."""
        self._op, self.where = op, dict(where)

    def whole_of(self, name: str) -> Region:
        """All of a tensor, in its own shape."""
        return whole(*self.tensors[name].shape)

    def read(self, name: Operand) -> Value:
        """The tile's part of an operand, from the scratchpad; a whole tensor where no part is named."""
        assert name is not None
        if name in self.direct:
            return Value(self.direct[name], self.fracs[name])
        region = self.where.get(name) or self.whole_of(name)
        codes = self.pad.find(name, region)
        shape = self.tensors[name].shape
        if region.is_whole:
            codes = codes.reshape(shape)
        elif len(shape) == 1:
            codes = codes.reshape(-1)
        elif region.view[0] == shape[0] and region.is_rows:
            codes = codes.reshape(-1, *shape[1:])
        return Value(codes, self.fracs[name])

    def write(self, name: str, codes: Ints, frac: int) -> None:  # type: ignore[override]
        """The tile's part of a result, into the scratchpad."""
        region = self.where.get(name) or self.whole_of(name)
        tensor = self.tensors[name]
        assert codes.dtype == container(tensor.bits), f"{name}: {codes.dtype} does not hold {tensor.bits}-bit codes"
        self.pad.put(name, region, codes)
        in_place = name in self._op.reads  # other tiles are still to read what stood there
        (self.fresh_fracs if in_place else self.fracs)[name] = frac
        self.fresh_peaks[name] = max(self.fresh_peaks.get(name, 0), requant.max_abs(codes))

    def largest(self, name: str) -> int:
        """The largest magnitude of the whole tensor, by the detector beside the unit that wrote it."""
        return self.peaks[name]

    def narrow_to_fit(self, name: str, acc: Ints, frac: int) -> None:
        """As the whole tensor's: at the scale of the largest of all groups of channels."""
        bits = self.tensors[name].bits
        peak = Peak(self.joint.pop(name, requant.max_abs(acc)), frac)
        out_frac = min(frac, fitting_frac(peak, bits))
        self.write(name, self.requantise(acc, frac - out_frac, bits, self.narrowing(name)), out_frac)

    def narrowing(self, name: str, rounding: Rounding | None = None) -> Narrowing:
        """As the whole tensor's, at the place of the tile's part."""
        how = super().narrowing(name, rounding)
        region = self.where.get(name)
        if region is None:
            return how
        if region.pieces[0] == 1:
            return Narrowing(rounding=how.rounding, overflow=how.overflow, key=how.key, origin=region.first_code)
        assert len(region.view) == 2, f"{name}: a part of {region.view} in pieces"
        return Narrowing(
            rounding=how.rounding, overflow=how.overflow, key=how.key, origin=region.first_code, pitch=region.view[1]
        )

    def did(self, events: Events, elements: int = 1) -> None:
        """Nothing is counted here."""

    def count(self, field: str, number: int) -> None:
        """Nothing is counted here."""

    def passed(self, name: Operand, times: int = 1) -> None:
        """Nothing is counted here."""


def started(machine: IntegerMachine) -> IntegerMachine:
    """A machine between two steps, kept as it is while the original goes on."""
    kept = copy.copy(machine)
    kept.values = dict(machine.values)
    kept.scales = Scales(machine.scales.policy, dict(machine.scales.seen), dict(machine.scales.fixed))
    return kept
