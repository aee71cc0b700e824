"""What holds for every learning rule, whoever wrote it: a law takes the name under which a rule is found."""

import math
from functools import cache
from itertools import chain

import numpy as np

from lls_hw.costs.step import mac_totals
from lls_hw.fidelity.against_float import against
from lls_hw.models.program.lower import lower
from lls_hw.models.program.ops.update import Update
from lls_hw.models.program.program import Program
from lls_hw.models.reference.accounting import mac_counts, memory_counts
from lls_hw.models.reference.initial import initial_parameters, own_shapes, parameter_shapes, weighted_layers
from lls_hw.models.reference.step import forward_tensors, training_step
from lls_hw.models.registry import load
from lls_hw.models.rules.registry import find_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.precision import parse_bits
from lls_hw.models.spec.rule import OptimizerSpec, RuleSpec
from lls_hw.sim.event.engine import run_events
from lls_hw.sim.event.result import EventResult
from lls_hw.sim.functional.engine import FunctionalEngine, why_not_integers
from lls_hw.sim.functional.readback import real, real_parameter, real_tensor
from lls_hw.sim.functional.state import initial_values, input_codes
from lls_hw.sweep.identity import learnt_rule
from tests.unit.functional.small import network

BATCH = 3
OTHER = {"temperature": 0.25, "waveform": "cosine", "reduced_rows": 1}
"""Another value of every constant that only some rules use."""


@cache
def chip() -> AcceleratorSpec:
    return load("chips", "edge_16x16", AcceleratorSpec, "--chip")


def spec(name: str, **constants: object) -> RuleSpec:
    return RuleSpec.from_mapping({"name": name, "reduced_rows": 2, **constants}, "rule")


@cache
def program(name: str, local_loss: str = "conv", bits: str = "8", waveform: str = "square") -> Program:
    return lower(network(local_loss), spec(name, waveform=waveform), parse_bits(bits), batch=BATCH)


@cache
def events(name: str) -> EventResult:
    return run_events(program(name), chip())


def local_layers(found: Program) -> list[WeightedLayer]:
    return [layer for layer in weighted_layers(found.network) if layer.local is not None]


def lively(name: str, local_loss: str = "conv") -> dict[str, np.ndarray]:
    """Initial parameters moved off their symmetric and tiny values."""
    rng = np.random.default_rng(1)
    values = initial_parameters(network(local_loss), spec(name), 0)
    return {key: value + 0.3 * rng.standard_normal(value.shape) for key, value in values.items()}


def pictures(seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((BATCH, 7, 6, 2)), rng.integers(0, 3, BATCH)


def float_step(name: str, values: dict[str, np.ndarray], local_loss: str = "conv", **constants: object):
    optimizer = OptimizerSpec(name="sgd", learning_rate=0.1)
    given = network(local_loss), spec(name, **constants), optimizer, values, {}, *pictures()
    return training_step(*given, dtype="float64")


# -- the program --------------------------------------------------------------------------


def reads_only_what_is_there(name: str) -> None:
    """An op reads inputs, kept tensors, and what an earlier op wrote; no tensor is declared in vain."""
    for local_loss in ("conv", "block"):
        found = program(name, local_loss)
        there = {key for key, tensor in found.tensors.items() if tensor.kept or tensor.role in ("input", "label")}
        for op in found.ops:
            assert set(op.reads) <= there, (op.layer, op.stage, op.kind, set(op.reads) - there)
            there |= set(op.writes)
        idle = set(found.tensors) - set(chain.from_iterable((*op.reads, *op.writes) for op in found.ops))
        assert all(key.endswith("/stats") for key in idle) if not find_rule(name).learns else not idle


def state_in_program_is_the_declared_one(name: str) -> None:
    """Every declared state is a kept tensor of as many values, and nothing else is kept beside the layers' own."""
    found, record = program(name), find_rule(name)
    own = {f"{layer.name}/{short}" for layer in weighted_layers(found.network) for short in own_shapes(layer)}
    declared = {
        state.tensor(layer.name, state.short): (layer, state) for layer in local_layers(found) for state in record.state
    }
    kept = {key for key, tensor in found.tensors.items() if tensor.kept and tensor.role != "statistic"}
    assert {key.partition("@")[0] for key in kept} == own | set(declared)
    for key, (layer, state) in declared.items():
        shape = state.shape(layer, found.rule, found.network.classes)
        assert found.tensors[key].elements == np.prod(shape), key
        value = np.random.default_rng(0).standard_normal(shape)
        on_chip = state.to_chip(layer, BATCH, value).reshape(found.tensors[key].shape)
        np.testing.assert_allclose(state.from_chip(layer, BATCH, on_chip), value, rtol=1e-15, err_msg=key)


def updates_are_what_it_trains(name: str) -> None:
    """A rule that learns updates every weight, gamma and beta, the classifier's bias, and its trained state, once."""
    found, record = program(name), find_rule(name)
    updated = [op.parameter for op in found.ops if isinstance(op, Update)]
    expected: set[str] = set()
    for layer in weighted_layers(found.network) if record.learns else ():
        useless = {"bias"} if layer.batch_norm else set()  # a bias in front of a BatchNorm has no gradient
        expected |= {f"{layer.name}/{short}" for short in own_shapes(layer).keys() - useless}
        if layer.local is not None:
            expected |= {state.tensor(layer.name, state.short) for state in record.state if state.trained}
    assert sorted(updated) == sorted(expected)


def constants_are_those_that_matter(name: str) -> None:
    """A constant that a rule does not name changes neither its program, nor its step, nor what a sweep takes it for."""
    record, values = find_rule(name), lively(name)
    plain = program(name)
    for constant, other in OTHER.items():
        changed = spec(name, **{constant: other})
        if constant in record.constants:
            assert learnt_rule(changed) != learnt_rule(spec(name))
            continue
        assert learnt_rule(changed) == learnt_rule(spec(name))
        again = lower(plain.network, changed, plain.precision, batch=BATCH)
        assert (again.ops, again.tensors) == (plain.ops, plain.tensors), constant
        if record.learns:
            first, second = float_step(name, values), float_step(name, values, **{constant: other})
            assert all((first.parameters[key] == second.parameters[key]).all() for key in first.parameters), constant


# -- costs --------------------------------------------------------------------------------


def costs_are_counted(name: str) -> None:
    """Inference is a part of the step; learning adds to it; every stage's cycles are in the total."""
    found, record = events(name), find_rule(name)
    totals = mac_totals(program(name), found)
    assert totals.inference > 0
    assert (totals.training_step > totals.inference) == record.learns
    assert totals.learning_signal <= totals.training_step - totals.inference
    assert sum(stage.cycles for stage in found.stages) == found.cycles > 0
    assert {op.kind for op in program(name).ops} == {op.kind for op in found.ops}


def macs_are_those_of_the_shapes(name: str) -> None:
    """What the event engine's tiles did, against the reference's own count from the network's shapes."""
    totals, counts = mac_totals(program(name), events(name)), mac_counts(network(), spec(name))
    assert totals.inference == BATCH * counts.inference
    assert totals.learning_signal == BATCH * counts.learning_signal
    assert totals.training_step == BATCH * counts.training_step


# -- the reference ------------------------------------------------------------------------


def reference_state_is_the_declared_one(name: str) -> None:
    """Initial values have the declared names and shapes; the accounting holds as many."""
    values = initial_parameters(network(), spec(name), 0)
    assert {key: value.shape for key, value in values.items()} == parameter_shapes(network(), spec(name))
    assert all(value.dtype == np.float32 and np.isfinite(value).all() for value in values.values())
    counts = memory_counts(network(), spec(name))
    assert counts.rule_state + counts.weights == sum(value.size for value in values.values())


def reference_trains_what_it_says(name: str) -> None:
    """Every trained parameter has a gradient of its shape that is not zero, and moves; the others stay."""
    values = lively(name)
    record = float_step(name, values)
    for key, before in values.items():
        trained = find_rule(name).trains(key)
        assert (f"{key}_grad" in record.tensors) == trained, key
        if not trained:
            np.testing.assert_array_equal(record.parameters[key], before, err_msg=key)
            continue
        grad = record.tensors[f"{key}_grad"]
        assert grad.shape == before.shape, key
        np.testing.assert_allclose(record.parameters[key], before - 0.1 * grad, rtol=1e-12, atol=1e-15, err_msg=key)
        useless = key.endswith("/bias") and not key.startswith("classifier")
        assert np.abs(grad).max() < 1e-12 if useless else np.abs(grad).max() > 1e-9, key


# -- integers -----------------------------------------------------------------------------


def integers_agree_with_the_reference(name: str, waveform: str = "square") -> None:
    """At 16 bits every tensor that both sides have is the reference's, in direction and in size.

    The floor is what a cosine of 0.999 leaves of a vector of the right length, that of weight gradients at 16 bits
    (conformance/test_fixed_against_float.py): |r - x|^2 / |r|^2 = 2 (1 - 0.999).
    """
    found = program(name, bits="16", waveform=waveform)
    values = initial_values(found, lively(name))
    engine = FunctionalEngine(found, values, chip())
    images, labels = pictures()
    x = input_codes(images, 16)
    engine.step(x, labels)
    grid = {key: real_parameter(found, key, values) for key in parameter_shapes(found.network, found.rule)}
    after, learns = engine.machine.values, find_rule(name).learns
    if learns:
        step = found.network, found.rule, found.optimizer, grid, {}, real(x), labels
        expected = training_step(*step, dtype="float64").tensors
    else:
        expected = forward_tensors(found.network, found.rule, grid, real(x), dtype="float64")
    sqnr_db = {
        key: against(key, value, real_tensor(found, key, after[key])).sqnr_db
        for key, value in expected.items()
        if key in after
    }
    wanted = "weight_grad" if learns else "y"
    assert {f"{layer.name}/{wanted}" for layer in weighted_layers(found.network) if layer.batch_norm} <= sqnr_db.keys()
    assert f"classifier/{'weight_grad' if learns else 'logits'}" in sqnr_db
    assert {key: found for key, found in sqnr_db.items() if found < -10 * math.log10(2 * (1 - 0.999))} == {}


def integers_run_or_name_the_op(name: str) -> None:
    """A step either runs, or is refused because of an op."""
    refusal = why_not_integers(program(name))
    if refusal is None:
        integers_agree_with_the_reference(name)
        return
    _where, rule, need = refusal
    assert rule == name
    assert any(op.kind in need for op in program(name).ops)


PROGRAM_LAWS = (
    reads_only_what_is_there,
    state_in_program_is_the_declared_one,
    updates_are_what_it_trains,
    costs_are_counted,
    macs_are_those_of_the_shapes,
    reference_state_is_the_declared_one,
    constants_are_those_that_matter,
    integers_run_or_name_the_op,
)
TRAINING_LAWS = (reference_trains_what_it_says,)
