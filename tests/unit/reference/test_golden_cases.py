"""Golden cases of other geometries, rules and networks than the stored ones: names, shapes, refusals."""

import numpy as np
import pytest

from lls_hw.models.reference.conformance import judge, run_case
from lls_hw.models.reference.golden import layers_of, optimizer_of, rule_of
from lls_hw.models.reference.golden_names import our_names
from lls_hw.models.reference.initial import layer_shapes
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.geometry import WeightedLayer

PUBLISHED = [
    "LLS",
    "LLS_M",
    "LLS_MxM",
    "LLS_MxM_reduced",
    "LLS_Random",
    "LLS_M_Random",
    "LLS_MxM_Random",
    "LocalLosses",
]
GEOMETRIES = [
    ("conv", [3, 5, 5, 2, 2, 9, 12], 3),
    ("conv", [3, 5, 1, 1, 0, 4, 6], 2),
    ("dw", [4, 6, 3, 3, 0, 11, 8], 2),
    ("dw", [4, 6, 3, 2, 0, 7, 10], 4),
    ("linear", [10, 14], 9),
    ("linear", [10, 14], 20),
]


def rule_arrays(rule: str, classes: int, hidden: int, reduced: int) -> dict[str, tuple[int, ...]]:
    """Shapes of a rule's arrays in the published state dict."""
    rows = reduced if rule == "LLS_MxM_reduced" else classes
    return {
        "LLS_M": {"feedback": (rows,)},
        "LLS_MxM": {"feedback": (rows, classes)},
        "LLS_MxM_reduced": {"feedback": (rows, classes)},
        "LLS_Random": {"feedback": (rows, hidden)},
        "LLS_M_Random": {"feedback": (rows, hidden), "modulation": (rows, 1)},
        "LLS_MxM_Random": {"feedback": (rows, hidden), "modulation": (rows, classes)},
        "LocalLosses": {"feedback": (rows, hidden)},
    }.get(rule, {})


def layer_arrays(kind: str, geometry: list[int], rule: str, classes: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    inner, out = geometry[:2]
    shapes = dict(rule_arrays(rule, classes, 30, 3))
    if kind == "linear":
        shapes |= {"block.linear.weight": (out, inner), "block.linear.bias": (out,)}
    elif kind == "conv":
        shapes |= {"block.conv.weight": (out, inner, geometry[2], geometry[2]), "block.conv.bias": (out,)}
    else:
        shapes |= {"block.conv1.weight": (inner, 1, geometry[2], geometry[2]), "block.conv2.weight": (out, inner, 1, 1)}
    norms = {"bn1": inner, "bn2": out} if kind == "dw" else {"bn": out}
    shapes |= {f"block.{bn}.{leaf}": (size,) for bn, size in norms.items() for leaf in ("weight", "bias")}
    size = (5, inner) if kind == "linear" else (5, inner, *geometry[5:])
    arrays = {f"before/{name}": 0.3 * rng.standard_normal(shape) + 0.1 for name, shape in shapes.items()}
    return arrays | {"x": rng.standard_normal(size), "labels": rng.integers(0, classes, 5)}


@pytest.mark.parametrize("rule", PUBLISHED)
@pytest.mark.parametrize(("kind", "geometry", "pool"), GEOMETRIES)
def test_layer_case__runs_and_agrees_with_itself(kind, geometry, pool, rule: str) -> None:
    entry = {"kind": kind, "geometry": geometry, "rule": rule, "pooling_size": pool, "classes": 4, "reduced_set": 3}
    arrays = layer_arrays(kind, geometry, rule, 4)
    results = run_case(entry, arrays)
    stored = {name: value for name, value in arrays.items() if name.startswith("before/")}
    assert {name: value.size for name, value in results.items() if name.startswith("after/")} == {
        name.replace("before/", "after/"): value.size for name, value in stored.items()
    }
    assert all(np.isfinite(value).all() for value in results.values())
    grads = {name for name in results if name.startswith("grad/")}
    assert ("grad/feedback" in grads) == (rule in {"LLS_M", "LLS_MxM", "LLS_MxM_reduced", "LocalLosses"})
    verdict = judge(entry, arrays | results)
    assert verdict.passed
    assert verdict.worst == 0


@pytest.mark.parametrize(
    ("network", "shape", "blocks"),
    [
        ("LLS_SmallConv", [1, 28, 28], ["conv"] * 3 + ["linear"]),
        ("LLS_SmallConvMNIST", [1, 28, 28], ["conv"] * 3 + ["linear"]),
        ("LLS_SmallConvL", [3, 32, 32], ["conv"] * 3 + ["linear"]),
        ("LLS_VGG8", [3, 32, 32], ["conv"] * 6 + ["linear"]),
        ("LLS_MobileNetV1", [3, 64, 64], ["conv"] + ["dw"] * 13),
        ("LLS_MobileNetV1_small", [3, 48, 64], ["conv"] + ["dw"] * 7),
        ("DFA_SmallConv", [3, 32, 32], ["conv"] * 3 + ["linear"]),
        ("DRTP_VGG8", [3, 32, 32], ["conv"] * 6 + ["linear"]),
    ],
)
def test_network_case__names_map_onto_the_shipped_networks(network, shape, blocks) -> None:
    dfa = network.startswith(("DFA", "DRTP"))
    entry = {"network": network, "rule": network[: network.index("_")] if dfa else "LLS_M", "input_shape": shape}
    keys, inner = [], "" if dfa else "block."
    for number, kind in enumerate(blocks, start=1):
        parts = {"conv": ("conv", "bn"), "linear": ("linear", "bn"), "dw": ("conv1", "bn1", "conv2", "bn2")}[kind]
        keys += [f"conv_block{number}.feedback"] * (not dfa)
        keys += [
            f"conv_block{number}.{inner}{part}.{leaf}"
            for part in parts
            for leaf in ("weight", "bias")
            if leaf == "weight" or not part.startswith("conv") or kind == "conv"
        ]
        keys += [f"conv{number}_hook.fixed_fb_weights", f"conv{number}_hook.fixed_fb_bias"] * dfa
    keys += ["linear.weight", "linear.bias"]
    layers, rule = layers_of(entry, {}), rule_of(entry)
    expect = {
        f"{layer.name}/{short}"
        for layer in layers
        if isinstance(layer, WeightedLayer)
        for short in layer_shapes(layer, rule, 10)
    }
    assert set(our_names(keys, layers, rule).values()) == expect


def test_network_case__published_depthwise_padding_is_the_stride() -> None:
    layers = layers_of({"network": "LLS_MobileNetV1_small", "rule": "LLS", "input_shape": [3, 64, 64]}, {})
    strided = next(layer for layer in layers if layer.name == "block3.dw")
    assert (strided.stride, strided.padding, strided.in_h, strided.out_h) == (2, 2, 32, 17)


def test_optimizer_of__names() -> None:
    assert optimizer_of({}).name == "sgd"
    assert optimizer_of({"optimizer": "Adam", "learning_rate": 0.01}).name == "adam"
    assert optimizer_of({"optimizer": "SGD", "momentum": 0.9}).uses_momentum


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"kind": "conv", "geometry": [1, 2]}, r"^index\.geometry = \('conv', \[1, 2\]\): conv and dw take 7 numbers"),
        ({"kind": "conv", "geometry": [1, 2, 9, 1, 0, 4, 4]}, r"the kernel does not fit the map\. Correct the entry\."),
        ({"network": "LLS_ResNet18"}, r"^index\.network = 'LLS_ResNet18': known are smallconv, "),
    ],
)
def test_layers_of__refusals(entry, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        layers_of({"input_shape": [3, 32, 32], **entry}, {})


def test_our_names__refusals() -> None:
    entry = {"kind": "conv", "geometry": [3, 5, 3, 1, 1, 9, 9], "rule": "LLS"}
    layers, rule = layers_of(entry, {}), rule_of(entry)
    with pytest.raises(
        SpecError, match=r"^golden = 'block\.attention': no parameter of a published block is called so"
    ):
        our_names(["block.attention"], layers, rule)
    with pytest.raises(SpecError, match=r"^golden = 'second\.conv\.weight': the network has only 1 blocks\. "):
        our_names(["first.conv.weight", "second.conv.weight"], layers, rule)


def test_optimizer_of__refuses_an_unknown_one() -> None:
    with pytest.raises(SpecError, match=r"^index\.optimizer = 'LBFGS': known are sgd, momentum, adam\. "):
        optimizer_of({"optimizer": "LBFGS"})
