"""No name that a user may give collides with one of the program's own."""

import pytest

from lls_hw.config import lower_run, resolve_run
from lls_hw.fidelity.integer_steps import run_numerics
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.geometry import PoolLayer
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.resolve import resolve
from lls_hw.options.run import RunChoices

NASTY = ("pool1", "pool2", "pool", "input", "labels", "loss", "weight", "total", "0", "-", "__init__", "local", "dw")


def network(*names: str) -> NetworkSpec:
    layers = []
    for name in names:
        conv = {"kind": "conv", "name": name, "out_channels": 2, "kernel": 3, "stride": 1, "padding": 1, "pool": 2}
        layers += [conv, {"kind": "max_pool", "size": 1}]
    return NetworkSpec.from_mapping({"name": "n", "input": [1, 4, 4], "classes": 2, "layers": layers}, "net")


def test_resolve__a_pooling_leaves_a_block_its_name() -> None:
    names = [layer.name for layer in resolve(network("pool2", "b")) if isinstance(layer, PoolLayer)]
    assert names == ["pool1", "pool2.pooling"]


@pytest.mark.parametrize("rule", ["lls_m", "bp", "local_losses"])
def test_every_name__has_the_same_tensors_in_integers_and_in_float(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = tuple(f"layer{place}" for place in range(len(NASTY)))
    found = []
    for names in (NASTY, plain):
        monkeypatch.setattr("lls_hw.config.load_network", lambda _, names=names: network(*names))
        run, images = resolve_run(RunChoices(net="n", rule=rule, batch=4, data="synthetic:8"))
        rows = run_numerics(run, lower_run(run), images).against_float
        assert min(row.cosine for row in rows if row.tensor.endswith("/y")) > 0.9, "each is its own tensor"
        owners = dict(zip(names, plain, strict=True))
        parts = [row.tensor.partition("/") for row in rows]
        found.append([(owners.get(owner, owner.removesuffix(".pooling")), what) for owner, _, what in parts])
    assert found[0] == found[1]


def test_classifier__is_the_one_name_that_is_taken() -> None:
    with pytest.raises(SpecError, match="the network's last layer is called so"):
        network("classifier")
