"""Initial values: shapes, distributions, independence from the rule."""

import numpy as np
import pytest

from lls_hw.models.reference.initial import initial_parameters, is_trained, parameter_shapes
from lls_hw.models.registry import load_network
from lls_hw.models.spec.rule import parse_rule
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


def test_is_trained__fixed_state_is_not() -> None:
    trained = {name for name in ("a/weight", "a/modulation", "a/projection", "a/feedback") if is_trained(name)}
    assert trained == {"a/weight", "a/modulation"}
