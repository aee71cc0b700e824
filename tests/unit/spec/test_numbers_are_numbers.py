"""What a description says is a number is one: neither true nor a text passes for it."""

import re

import pytest

from lls_hw.models.registry import load, load_network
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.network import NetworkSpec

NET = load_network("smallconv").model_dump()
CHIP = load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip").model_dump()


def changed(data: dict, path: str, value: object) -> dict:
    """A copy in which the key at a dotted path has another value."""
    key, _, rest = path.partition(".")
    place = int(key) if isinstance(data, list | tuple) else key
    copied = list(data) if isinstance(data, list | tuple) else dict(data)
    copied[place] = changed(copied[place], rest, value) if rest else value
    return copied


@pytest.mark.parametrize("value", [True, False, "8"], ids=repr)
@pytest.mark.parametrize(
    ("spec", "data", "path"),
    [
        (NetworkSpec, NET, "classes"),
        (NetworkSpec, NET, "layers.0.out_channels"),
        (NetworkSpec, NET, "layers.0.negative_slope"),
        (AcceleratorSpec, CHIP, "array.rows"),
        (AcceleratorSpec, CHIP, "clock_mhz"),
        (AcceleratorSpec, CHIP, "memory.0.capacity_bytes"),
    ],
)
def test_number__is_neither_true_nor_a_text(spec, data, path: str, value: object) -> None:
    assert spec.from_mapping(data, "it"), "as it stands it is right"
    where = re.escape(path.rpartition(".")[2])
    with pytest.raises(SpecError, match=rf"^it\.(.*\.)?{where} = {value!r}: it takes a number\. Write digits"):
        spec.from_mapping(changed(data, path, value), "it")


@pytest.mark.parametrize("value", [(1, True, 28), (1, "28", 28)], ids=repr)
def test_number__every_one_of_several(value: tuple[object, ...]) -> None:
    with pytest.raises(SpecError, match=r"^it\.input = .*: it takes a number\."):
        NetworkSpec.from_mapping({**NET, "input": value}, "it")


def test_switches_and_choices__stay_what_they_are() -> None:
    """A field that takes a switch, or a number or a word, is no number."""
    assert AcceleratorSpec.from_mapping(changed(CHIP, "memory.0.double_buffered", False), "it")
    assert NetworkSpec.from_mapping({**NET, "projection_columns": "latent"}, "it").projection_columns == "latent"
    assert NetworkSpec.from_mapping({**NET, "projection_columns": 64}, "it").projection_columns == 64
