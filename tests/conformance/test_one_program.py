"""One program, two engines: what the kernels did against what the event engine charged, op by op, class by class.

Neither side reads its counts from the op, or from the other's tables. The functional engine counts products inside the
kernels, what a loop does to an element by the table beside it (which counting integers hold, `tests/unit/kernels/
test_events.py`), and passes and bytes on the arrays it read and wrote; the event engine sums its tiles.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from lls_hw.models.program.lower import lower
from lls_hw.models.program.ops.base import Tensor
from lls_hw.models.program.program import Program
from lls_hw.models.registry import load, load_network, names
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.geometry import NORMS, Norm
from lls_hw.models.spec.precision import Precision, Scaling
from lls_hw.models.spec.rule import OptimizerName, OptimizerSpec
from lls_hw.sim.cost.counts import LANE_EVENTS
from lls_hw.sim.event.engine import run_events
from lls_hw.sim.event.result import OpResult
from lls_hw.sim.functional.engine import FunctionalEngine
from lls_hw.sim.functional.machine import OpRecord
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels.requant import container
from tests.unit.functional.small import RULES

SMALLEST_SIDE = {"smallconv": 12, "smallconv_l": 12, "vgg8": 12, "vgg11": 18, "vww_cnn": 16, "mobilenet_v1": 16,
                 "mlperf_tiny_vww": 16}  # fmt: skip
CASES = [(net, rule, "square") for net in names("nets") for rule in RULES if net != "vgg11" or rule == "lls_m"]
CASES += [("smallconv", "lls", "cosine"), ("vww_cnn", "lls_mxm_reduced", "cosine")]

EVENTS = (*LANE_EVENTS, "macs", "macs_weight_error", "macs_activation_error")
"""Every class that arithmetic makes; words, bits of registers and bytes at the pins are the event engine's own."""


@cache
def chip() -> AcceleratorSpec:
    return load("chips", "edge_16x16", AcceleratorSpec, "--chip")


def small_program(
    net: str,
    rule: str,
    waveform: str = "square",
    scaling: Scaling = "delayed",
    *,
    accumulate: int = 1,
    optimizer: OptimizerName = "momentum",
    norm: Norm = "batch",
) -> Program:
    network = load_network(net).with_norm(norm)
    side, spec, precision = SMALLEST_SIDE[net], parse_rule(rule, waveform=waveform), Precision(scaling=scaling)
    network = network.resized((network.input[0], side, side))
    return lower(network, spec, precision, optimizer=OptimizerSpec(name=optimizer), batch=2, accumulate=accumulate)


def random_values(program: Program) -> dict[str, Value]:
    """Small random codes for every kept tensor, in the container the program asks for."""
    rng = np.random.default_rng(7)
    return {
        name: Value(_random_codes(rng, tensor).astype(container(tensor.bits)), 8)
        for name, tensor in program.tensors.items()
        if tensor.kept
    }


def _random_codes(rng: np.random.Generator, tensor: Tensor) -> np.ndarray:
    """Sums of squares are none below zero."""
    codes = rng.integers(-90, 91, tensor.shape, dtype=np.int8)
    return np.abs(codes) if tensor.name.endswith("@second") else codes


@pytest.mark.parametrize(("net", "rule", "waveform"), CASES)
def test_engines__charge_what_is_executed(net: str, rule: str, waveform: str) -> None:
    """The first step measures every scale, as each step of `two_pass` does; the second is one like all to come."""
    program = small_program(net, rule, waveform)
    engine = FunctionalEngine(program, random_values(program), chip())
    rng = np.random.default_rng(3)
    shape = program.tensors["input/x"].shape
    for charged in (small_program(net, rule, waveform, "two_pass"), program):
        images = Value(rng.integers(-128, 128, shape).astype(np.int8), 6)
        records = engine.step(images, rng.integers(0, program.network.classes, 2))
        compare(records, run_events(charged, chip()).ops)


@pytest.mark.parametrize("scaling", ["static", "two_pass"])
@pytest.mark.parametrize(("net", "rule"), [("smallconv", "lls_m"), ("vww_cnn", "bp"), ("smallconv", "inference")])
def test_engines__charge_every_policy_of_scales(net: str, rule: str, scaling: Scaling) -> None:
    """The first step of either measures; the second of `static` looks at no peak, of `two_pass` at every one again."""
    program = small_program(net, rule, "square", scaling)
    engine = FunctionalEngine(program, random_values(program), chip())
    rng = np.random.default_rng(3)
    shape = program.tensors["input/x"].shape
    for charged in (small_program(net, rule, "square", "two_pass"), program):
        images = Value(rng.integers(-128, 128, shape).astype(np.int8), 6)
        compare(engine.step(images, rng.integers(0, program.network.classes, 2)), run_events(charged, chip()).ops)


@pytest.mark.parametrize("norm", ["frozen", "group"])
@pytest.mark.parametrize("scaling", ["delayed", "static", "two_pass"])
@pytest.mark.parametrize(
    ("net", "rule"),
    [("smallconv", "lls_m"), ("smallconv_l", "lls_mxm"), ("vww_cnn", "bp"), ("vww_cnn", "lls"),
     ("smallconv", "local_losses"), ("smallconv", "drtp"), ("smallconv", "inference")],
)  # fmt: skip
def test_engines__charge_every_norm(net: str, rule: str, scaling: Scaling, norm: Norm) -> None:
    program = small_program(net, rule, "square", scaling, norm=norm)
    engine = FunctionalEngine(program, random_values(program), chip())
    rng = np.random.default_rng(3)
    shape = program.tensors["input/x"].shape
    statistics = {name: value.codes.copy() for name, value in engine.machine.values.items() if name.endswith("running")}
    for charged in (small_program(net, rule, "square", "two_pass", norm=norm), program):
        images = Value(rng.integers(-128, 128, shape).astype(np.int8), 6)
        compare(engine.step(images, rng.integers(0, program.network.classes, 2)), run_events(charged, chip()).ops)
    assert all((engine.machine.values[name].codes == codes).all() for name, codes in statistics.items())


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("scaling", ["delayed", "two_pass"])
@pytest.mark.parametrize(("net", "rule"), [("smallconv", "lls_m"), ("vww_cnn", "bp"), ("smallconv", "drtp")])
def test_classes__follow_from_the_program_whatever_the_memories(
    net: str, rule: str, scaling: Scaling, norm: Norm
) -> None:
    """Tiles, groups of channels and accumulators move words; they add no event and no pass."""
    program = small_program(net, rule, "square", scaling, norm=norm)
    wanted = run_events(program, chip()).ops
    for other in (
        chip().changed("scratchpad", capacity_bytes=(48 if norm == "group" else 16) * 1024),  # its channels are not cut
        chip().changed("accumulators", entries=256),
        chip().changed("accumulators", entries=32).changed("scratchpad", double_buffered=False),
    ):
        for one, found in zip(wanted, run_events(program, other).ops, strict=True):
            where = f"{one.layer} {one.stage} {one.kind}"
            for name in EVENTS:
                assert getattr(found.counts, name) == getattr(one.counts, name), f"{where} {name}"
            assert found.read_codes == one.read_codes, where
            assert found.written_codes == one.written_codes, where


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
@pytest.mark.parametrize(("net", "rule"), [("smallconv", "lls_mxm"), ("vww_cnn", "bp")])
def test_engines__charge_what_every_optimizer_does(net: str, rule: str, optimizer: OptimizerName) -> None:
    program = small_program(net, rule, optimizer=optimizer)
    engine = FunctionalEngine(program, random_values(program), chip())
    rng = np.random.default_rng(3)
    shape = program.tensors["input/x"].shape
    for charged in (small_program(net, rule, "square", "two_pass", optimizer=optimizer), program):
        images = Value(rng.integers(-128, 128, shape).astype(np.int8), 6)
        compare(engine.step(images, rng.integers(0, program.network.classes, 2)), run_events(charged, chip()).ops)


@pytest.mark.parametrize(("net", "rule", "batches"), [("smallconv", "lls_m", 3), ("vww_cnn", "bp", 2)])
def test_engines__charge_every_micro_step_of_an_update(net: str, rule: str, batches: int) -> None:
    """Two updates: the first measures every scale, the second is one like all to come."""
    program = small_program(net, rule, accumulate=batches)
    engine = FunctionalEngine(program, random_values(program), chip())
    rng = np.random.default_rng(3)
    shape = program.tensors["input/x"].shape
    charged = [run_events(part, chip()).ops for part, times in program.micro_steps for _ in range(times)]
    for step in range(2 * batches):
        images = Value(rng.integers(-128, 128, shape).astype(np.int8), 6)
        records = engine.step(images, rng.integers(0, program.network.classes, 2))
        if step >= batches:
            compare(records, charged[step % batches])


def compare(records: Sequence[OpRecord], ops: Sequence[OpResult]) -> None:
    """Every class of events, op by op."""
    assert len(records) == len(ops)
    for record, charged in zip(records, ops, strict=True):
        where = f"{charged.layer} {charged.stage} {charged.kind}"
        assert record.tally.macs == charged.macs, where
        assert record.signal_macs == charged.signal_macs, where
        assert record.read_bytes == dict(charged.touched_read_bytes), where
        assert record.write_bytes == dict(charged.touched_write_bytes), where
        charges = {name: getattr(charged.counts, name) for name in EVENTS}
        assert {name: record.events.get(name, 0) for name in EVENTS} == charges, where
        assert record.read_codes == dict(charged.read_codes), where
        assert record.written_codes == dict(charged.written_codes), where


def test_arrays__are_as_wide_as_the_program_says() -> None:
    """At the default precision packed bytes are the arrays' own bytes."""
    program = small_program("smallconv", "lls_mxm")
    engine = FunctionalEngine(program, random_values(program), chip())
    images = Value(np.ones(program.tensors["input/x"].shape, np.int8), 6)
    engine.step(images, np.array([1, 2]))
    for name, value in engine.machine.values.items():
        assert value.codes.nbytes == program.tensors[name].size_bytes, name


def test_functional_engine__refuses_an_undeclared_read() -> None:
    program = small_program("smallconv", "lls")
    engine = FunctionalEngine(program, random_values(program), chip())
    engine.machine.begin(0, program.ops[0])
    with pytest.raises(AssertionError, match="reads classifier/weight without saying so"):
        engine.machine.read("classifier/weight")
