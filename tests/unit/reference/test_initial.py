"""Initial values: shapes, distributions, independence from the rule."""

import numpy as np
import pytest

from lls_hw.models.program.lower import lower
from lls_hw.models.reference.initial import initial_parameters, initial_state, parameter_shapes, weighted_layers
from lls_hw.models.registry import load_network, names
from lls_hw.models.rules.registry import find_rule, parse_rule, rules
from tests.unit.reference.tiny import RULES, tiny_network


@pytest.mark.parametrize("rule", [*RULES, "inference"])
def test_initial_parameters__shapes_as_declared(rule: str) -> None:
    network, spec = tiny_network(), parse_rule(rule, reduced_rows=2)
    values = initial_parameters(network, spec, 0)
    assert {name: value.shape for name, value in values.items()} == parameter_shapes(network, spec)
    assert all(value.dtype == np.float32 for value in values.values())


@pytest.mark.parametrize("rule", RULES)
def test_initial_parameters__shared_ones_do_not_depend_on_the_rule(rule: str) -> None:
    network = tiny_network()
    plain, other = (initial_parameters(network, parse_rule(name), 3) for name in ("inference", rule))
    for name, value in plain.items():
        np.testing.assert_array_equal(value, other[name])


def test_initial_parameters__seed_decides() -> None:
    network, rule = tiny_network(), parse_rule("lls_m")
    first, again, other = (initial_parameters(network, rule, seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first["a/weight"], again["a/weight"])
    assert (first["a/weight"] != other["a/weight"]).all()


def test_initial_parameters__distributions() -> None:
    network = load_network("vww_cnn")
    values = initial_parameters(network, parse_rule("lls_mxm_random"), 0)
    weight = values["block8.pw/weight"]
    bound = 512**-0.5
    assert 0.999 * bound < np.abs(weight).max() <= bound
    assert abs(weight.std() * 3**0.5 / bound - 1) < 0.01
    assert np.abs(values["block8.dw/weight"]).max() <= 1 / 3
    assert (values["block8.pw/gamma"] == 1).all()
    assert not values["block8.pw/beta"].any()
    assert abs(values["block8.pw/projection"].std() - 0.1) < 0.01  # 512 x 2 x 2 latents: no averaging
    feedback = initial_parameters(network, parse_rule("dfa"), 0)["conv1/feedback"]
    assert feedback.shape == (2, 64, 64, 32)
    assert 0 <= feedback.min() < feedback.max() <= 1e-4


def test_initial_parameters__projection_is_averaged_from_2048_columns() -> None:
    values = initial_parameters(load_network("vgg8"), parse_rule("lls_random"), 0)
    assert values["linear7/projection"].shape == (10, 1024)
    assert abs(values["linear7/projection"].std() - 0.1 / 2**0.5) < 0.005


@pytest.mark.parametrize("columns", [8, "latent", 2048])
def test_initial_parameters__columns_set_the_projection_s_deviation(columns: int | str) -> None:
    """Averaging k of `columns` values divides the deviation by sqrt(k); fewer columns than latents repeat."""
    network = load_network("vgg8").model_copy(update={"projection_columns": columns})
    projection = initial_parameters(network, parse_rule("lls_random"), 0)["linear7/projection"]
    averaged = 2048 / 1024 if columns == 2048 else 1.0
    assert abs(projection.std() * averaged**0.5 / 0.1 - 1) < (0.3 if columns == 8 else 0.03)


@pytest.mark.parametrize(("net", "rule"), [(net, rule) for net in names("nets") for rule in rules()])
def test_names__nothing_depends_on_that_of_the_network(net: str, rule: str) -> None:
    """The rule's state (its other parameters have the seed and their own name alone) and the whole program."""
    network, spec = load_network(net), parse_rule(rule)
    other = network.model_copy(update={"name": "network"})
    first, second = (lower(which, spec, batch=2) for which in (network, other))
    assert (first.ops, first.tensors) == (second.ops, second.tensors)
    for layer in weighted_layers(network):
        assert_same(initial_state(network, layer, spec, 0), initial_state(other, layer, spec, 0))


def assert_same(first, second) -> None:
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])


def test_trains__fixed_state_is_not() -> None:
    record = find_rule("lls_m_random")
    assert [name for name in ("a/weight", "a/modulation", "a/projection") if record.trains(name)] == [
        "a/weight", "a/modulation"
    ]  # fmt: skip
    assert not find_rule("dfa").trains("a/feedback")
