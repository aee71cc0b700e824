"""The state that ops run on: tensors with their scales, and a record of what each op touched."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from lls_hw.models.program.ops.base import Op, Operand
from lls_hw.models.program.ops.local import LocalBackproject, LocalError, LocalProject
from lls_hw.models.program.ops.loss import Loss
from lls_hw.models.program.program import Program
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.precision import Precision, Rounding, Scaling
from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.array import dataflow_of
from lls_hw.sim.cost.counts import FIELDS
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels import requant
from lls_hw.sim.kernels.codes import Ints, Wide
from lls_hw.sim.kernels.events import PEAK, Events
from lls_hw.sim.kernels.products import ProductTally, Summation
from lls_hw.sim.kernels.requant import Narrowing, container, max_abs, requantise
from lls_hw.sim.kernels.update import stream_key

LOCAL_OPS = (LocalProject, LocalError, LocalBackproject, Loss)
"""Ops of the local unit; the others are the vector unit's, or the array's."""


@dataclass(frozen=True, slots=True)
class Peak:
    """Largest magnitude of a tensor before it was narrowed: code * 2**-frac."""

    code: int
    frac: int


@dataclass(slots=True)
class OpRecord:
    """One op's work as it happened: counted in kernels, measured on arrays.

    Attributes
    ----------
    unit : the unit whose lanes did what is not on the array.
    events : fields of `Counts` to what the op did.
    read_codes, written_codes : codes of each tensor over all passes; sums that wait for a second pass are
        `<tensor>@sums`.
    read_bytes, write_bytes : packed bytes of each tensor, once.
    saturated : codes that did not fit.
    likelihood : of a loss, each sample's likelihood of its label, with 24 fraction bits.
    wanted, lost : of an update, the steps that should have moved a master code, and those that moved none.
    """

    index: int
    unit: Literal["vector", "local"] = "vector"
    events: dict[str, int] = field(default_factory=dict)
    read_codes: dict[str, int] = field(default_factory=dict)
    written_codes: dict[str, int] = field(default_factory=dict)
    tally: ProductTally = field(default_factory=ProductTally)
    signal_macs: int = 0
    saturated: int = 0
    read_bytes: dict[str, int] = field(default_factory=dict)
    write_bytes: dict[str, int] = field(default_factory=dict)
    likelihood: Wide | None = None
    wanted: int = 0
    lost: int = 0


@dataclass(slots=True)
class Scales:
    """Chooses the power-of-two scale of every narrowed tensor (docs/design.md, fixed point).

    `two_pass` uses the tensor's own peak. `delayed` uses the last step's with a quarter of
    headroom; a tensor without a history is measured first. `static` keeps the first scale.
    """

    policy: Scaling
    seen: dict[str, Peak] = field(default_factory=dict)
    fixed: dict[str, int] = field(default_factory=dict)

    def frac(self, name: str, bits: int, measure: Callable[[], Peak]) -> int:
        """Fraction bits for the codes of tensor `name`."""
        if self.policy == "static":
            if name not in self.fixed:
                self.fixed[name] = fitting_frac(measure(), bits)
            return self.fixed[name]
        if self.policy == "delayed" and name in self.seen:
            last = self.seen[name]
            return fitting_frac(Peak(last.code + (last.code >> 2), last.frac), bits)
        return fitting_frac(measure(), bits)

    def known(self, name: str) -> bool:
        """Whether a tensor's next scale stands before the tensor does, so that no pass measures it first."""
        if self.policy == "static":
            return name in self.fixed
        return self.policy == "delayed" and name in self.seen

    def watches(self, name: str) -> bool:
        """Whether the tensor's peak is of any use: to this step's scale or to the next one's."""
        return self.policy != "static" or not self.known(name)

    def exact_frac(self, name: str, bits: int, peak: Peak) -> int:
        """As `frac`, where the tensor's own peak costs nothing to know."""
        return self.frac(name, bits, lambda: peak) if self.policy == "static" else fitting_frac(peak, bits)

    def saw(self, name: str, peak: Peak) -> None:
        """Remember a tensor's peak for the next step; a zero tensor says nothing about its scale."""
        if peak.code > 0:
            self.seen[name] = peak


def fitting_frac(peak: Peak, bits: int) -> int:
    """Most fraction bits with which |peak| < 2**(bits - 1) codes; bits - 1 for a zero peak.

    Examples
    --------
    >>> fitting_frac(Peak(1000, 10), 8)
    7
    """
    return peak.frac - (peak.code.bit_length() - (bits - 1)) if peak.code else bits - 1


def summation(chip: AcceleratorSpec, precision: Precision) -> Summation:
    """The way in which a chip adds at a precision."""
    return Summation(
        chain_terms=dataflow_of(chip.array).chain_terms(chip.array.rows),
        accumulator_bits=precision.accumulator_bits,
        wraps=precision.overflow == "wrap",
    )


class IntegerMachine:
    """The state of one chip between and during training steps.

    Attributes
    ----------
    values : every tensor's codes and scale by name; kept ones persist from step to step.
    records : one `OpRecord` per op of the step just run.
    sums : how the chip's array adds products.
    depthwise_on : the unit that runs depthwise convolutions, "array" or "vector".
    """

    def __init__(self, program: Program, values: dict[str, Value], *, chip: AcceleratorSpec, seed: int) -> None:
        self.program, self.values, self.seed = program, values, seed
        self.sums, self.depthwise_on = summation(chip, program.precision), chip.depthwise_on
        self.scales = Scales(program.precision.scaling)
        self.step = 0
        self.records: list[OpRecord] = []
        self.constants: dict[str, Ints] = {}
        self.phase_bits, self.basis_is_generated = chip.local.phase_bits, chip.local.basis == "generated"
        self.learning_rate = program.optimizer.learning_rate
        self._op: Op = program.ops[0]

    @property
    def record(self) -> OpRecord:
        """The running op's record."""
        return self.records[-1]

    def begin(self, index: int, op: Op) -> None:
        """Open the record of the next op."""
        self._op = op
        self.records.append(OpRecord(index, "local" if isinstance(op, LOCAL_OPS) else "vector"))

    def did(self, events: Events, elements: int = 1) -> None:
        """Count what a loop did to each of so many elements: the table beside the kernel that did it."""
        fields = FIELDS[self.record.unit]
        for event, number in events.items():
            self.count(fields[event], number * elements)

    def count(self, field: str, number: int) -> None:
        """Count events by their field of `Counts`."""
        self.record.events[field] = self.record.events.get(field, 0) + number

    def passed(self, name: Operand, times: int = 1) -> None:
        """Count further passes over a tensor that the op reads."""
        assert name is not None
        codes = self.values[name].codes.size
        self.record.read_codes[name] = self.record.read_codes.get(name, 0) + times * codes

    def read(self, name: Operand) -> Value:
        """A tensor the op declared that it reads; its bytes are recorded."""
        if name is None or name not in self._op.reads:
            raise AssertionError(f"{self._op.kind} of {self._op.layer} reads {name} without saying so")
        value = self.values[name]
        self.record.read_bytes[name] = self._bytes(name, value.codes)
        self.passed(name)
        return value

    def write(self, name: Operand, codes: Ints, frac: int) -> None:
        """Store a tensor the op declared that it writes; container and shape must be the program's."""
        if name is None or name not in self._op.writes:
            raise AssertionError(f"{self._op.kind} of {self._op.layer} writes {name} without saying so")
        tensor = self.program.tensors[name]
        assert codes.dtype == container(tensor.bits), f"{name}: {codes.dtype} does not hold {tensor.bits}-bit codes"
        assert codes.size == tensor.elements, f"{name}: {codes.shape} is not {tensor.shape}"
        self.values[name] = Value(codes.reshape(tensor.shape), frac)
        self.record.write_bytes[name] = self._bytes(name, codes)
        self.record.written_codes[name] = self.record.written_codes.get(name, 0) + codes.size

    def _bytes(self, name: str, codes: Ints) -> int:
        """Bytes of an array, its codes packed at the tensor's width."""
        return storage_bytes(codes.size, self.program.tensors[name].bits)

    def largest(self, name: str) -> int:
        """The largest magnitude of a tensor's codes, by the detector that stood beside the unit which wrote them."""
        return requant.max_abs(self.values[name].codes)

    def key(self, name: str) -> int:
        """Key of a tensor's random stream in this step."""
        return int(stream_key(self.seed, self.step, zlib.crc32(name.encode())))

    def narrowing(self, name: str, rounding: Rounding | None = None) -> Narrowing:
        """The way in which codes of `name` are narrowed."""
        precision = self.program.precision
        tensor = self.program.tensors.get(name)
        if rounding is None:
            rounding = precision.error_rounding if tensor and tensor.role == "error" else precision.rounding
        return Narrowing(rounding=rounding, overflow=precision.overflow, key=self.key(name))

    def peak(self, acc: Ints, frac: int) -> Peak:
        """The largest magnitude of some words, which all pass the detector."""
        self.did(PEAK, acc.size)
        return Peak(max_abs(acc), frac)

    def requantise(self, acc: Ints, shift: int, bits: int, how: Narrowing) -> Ints:
        """Words as codes of `bits` bits, each requantised once, with a draw where rounding is stochastic."""
        self.did(how.events, acc.size)
        codes, saturated = requantise(acc, shift, bits, how)
        self.record.saturated += saturated
        return codes

    def narrow(self, name: str, acc: Ints, frac: int) -> None:
        """Requantise accumulators into the tensor, at the scale its policy gives, and store it.

        A scale that is not known yet is measured: then the sums wait for a second pass, in memory.
        """
        bits = self.program.tensors[name].bits
        waits, watched = not self.scales.known(name), self.scales.watches(name)
        peak = self.peak(acc, frac) if watched else Peak(0, frac)
        out_frac = self.scales.frac(name, bits, lambda: peak)
        self.scales.saw(name, peak)
        if waits:
            self.record.written_codes[f"{name}@sums"] = self.record.read_codes[f"{name}@sums"] = acc.size
        self.write(name, self.requantise(acc, frac - out_frac, bits, self.narrowing(name)), out_frac)

    def narrow_to_fit(self, name: str, acc: Ints, frac: int) -> None:
        """As `narrow`, for a tensor so small that its own peak is always known."""
        bits = self.program.tensors[name].bits
        out_frac = min(frac, fitting_frac(self.peak(acc, frac), bits))
        self.write(name, self.requantise(acc, frac - out_frac, bits, self.narrowing(name)), out_frac)


Runners = dict[type[Op], Callable[[IntegerMachine, Any], None]]
"""The integer form of each kind of op."""


def zeros(shape: tuple[int, ...], bits: int) -> Ints:
    """Zero codes in the narrowest container."""
    return np.zeros(shape, container(bits))
