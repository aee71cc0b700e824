"""The state that ops run on: tensors with their scales, and a record of what each op touched."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lls_hw.models.program.ops.base import Op, Operand
from lls_hw.models.program.program import Program
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.precision import Precision, Rounding, Scaling
from lls_hw.models.spec.storage import storage_bytes
from lls_hw.sim.array import dataflow_of
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels.codes import Ints, Wide
from lls_hw.sim.kernels.products import ProductTally, Summation
from lls_hw.sim.kernels.requant import Narrowing, container, max_abs, requantise
from lls_hw.sim.kernels.update import stream_key


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
    saturated : codes that did not fit.
    likelihood : of a loss, each sample's likelihood of its label, with 24 fraction bits.
    wanted, lost : of an update, the steps that should have moved a master code, and those that moved none.
    """

    index: int
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
        self.phase_bits = chip.local.phase_bits
        self.learning_rate = program.optimizer.learning_rate
        self._op: Op = program.ops[0]

    @property
    def record(self) -> OpRecord:
        """The running op's record."""
        return self.records[-1]

    def begin(self, index: int, op: Op) -> None:
        """Open the record of the next op."""
        self._op = op
        self.records.append(OpRecord(index))

    def read(self, name: Operand) -> Value:
        """A tensor the op declared that it reads; its bytes are recorded."""
        if name is None or name not in self._op.reads:
            raise AssertionError(f"{self._op.kind} of {self._op.layer} reads {name} without saying so")
        value = self.values[name]
        self.record.read_bytes[name] = self._bytes(name, value.codes)
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

    def _bytes(self, name: str, codes: Ints) -> int:
        """Bytes of an array, its codes packed at the tensor's width."""
        return storage_bytes(codes.size, self.program.tensors[name].bits)

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

    def narrow(self, name: str, acc: Ints, frac: int) -> None:
        """Requantise accumulators into the tensor, at the scale its policy gives, and store it."""
        bits = self.program.tensors[name].bits
        peak = Peak(max_abs(acc), frac)
        out_frac = self.scales.frac(name, bits, lambda: peak)
        self.scales.saw(name, peak)
        codes, saturated = requantise(acc, frac - out_frac, bits, self.narrowing(name))
        self.record.saturated += saturated
        self.write(name, codes, out_frac)

    def narrow_to_fit(self, name: str, acc: Ints, frac: int) -> None:
        """As `narrow`, for a tensor so small that its own peak is always known."""
        bits = self.program.tensors[name].bits
        out_frac = min(frac, fitting_frac(Peak(max_abs(acc), frac), bits))
        codes, saturated = requantise(acc, frac - out_frac, bits, self.narrowing(name))
        self.record.saturated += saturated
        self.write(name, codes, out_frac)


Runners = dict[type[Op], Callable[[IntegerMachine, Any], None]]
"""The integer form of each kind of op."""


def zeros(shape: tuple[int, ...], bits: int) -> Ints:
    """Zero codes in the narrowest container."""
    return np.zeros(shape, container(bits))
