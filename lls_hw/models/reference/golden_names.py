"""Our parameter for each array of a golden case, by the name in its PyTorch state dict."""

import re
from collections.abc import Iterable, Sequence

from lls_hw.models.program.names import tensor_name
from lls_hw.models.reference.rules.rule import float_rule
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.geometry import Layer, WeightedLayer
from lls_hw.models.spec.rule import RuleSpec

_TAIL = re.compile(
    r"^(?P<block>.*?)\.?(?P<part>conv|conv1|conv2|bn|bn1|bn2|linear|feedback|modulation|fixed_fb_weights|fixed_fb_bias)"
    r"(?:\.(?P<leaf>weight|bias|running_mean|running_var|num_batches_tracked))?$"
)
_STATE = ("feedback", "modulation", "fixed_fb_weights")
"""Arrays that belong to a rule; its `FloatRule` says which state of ours each is."""
_SHORT = {
    "conv": {"weight": "weight", "bias": "bias"},
    "bn": {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "running_mean",
        "running_var": "running_var",
        "num_batches_tracked": "num_batches_tracked",
    },
}


def our_names(keys: Iterable[str], layers: Sequence[Layer], rule: RuleSpec) -> dict[str, str]:
    """Map state-dict names, in state-dict order, to ``layer/short``.

    Blocks correspond by order of appearance, so their published names do not matter. Buffers that
    no computation reads (the bias of a feedback hook) are left out.

    Raises
    ------
    SpecError : a name follows no pattern of the published implementation, or the blocks are too many.
    """
    blocks: list[list[WeightedLayer]] = _blocks(layers)
    seen: list[str] = []
    hooks: list[str] = []
    names: dict[str, str] = {}
    for key in keys:
        block, part, leaf = _split(key)
        if part == "fixed_fb_bias":
            continue
        if block == "" and part == "linear" and blocks[-1][0].kind == "classifier":
            names[key] = f"classifier/{leaf}"
            continue
        order = hooks if part == "fixed_fb_weights" else seen
        if block not in order:
            order.append(block)
        if len(order) > len(blocks):
            raise SpecError("golden", key, f"the network has only {len(blocks)} blocks", "Check its name.")
        names[key] = _name(blocks[order.index(block)], part, leaf, rule)
    return names


def _split(key: str) -> tuple[str, str, str]:
    """(block, part, leaf) of a state-dict name; the inner ``block.`` of a wrapper is dropped."""
    found = _TAIL.match(key)
    if found is None:
        raise SpecError("golden", key, "no parameter of a published block is called so", "Check the file.")
    block = re.sub(r"\.?\bblock$", "", found["block"])
    return block, found["part"], found["leaf"] or ""


def _blocks(layers: Sequence[Layer]) -> list[list[WeightedLayer]]:
    """Weighted layers grouped by the block they belong to, in order."""
    groups: dict[str, list[WeightedLayer]] = {}
    for layer in layers:
        if isinstance(layer, WeightedLayer):
            groups.setdefault(layer.block, []).append(layer)
    return list(groups.values())


def _name(block: list[WeightedLayer], part: str, leaf: str, rule: RuleSpec) -> str:
    """Our name of one array of a block."""
    if part in _STATE:
        own = float_rule(rule).golden
        if part not in own:
            raise SpecError("golden", part, f"rule {rule.name} keeps no such array", "Check the case's rule.")
        return tensor_name(block[-1].name, own[part])
    layer = block[0] if part.endswith("1") else block[-1]
    return tensor_name(layer.name, _SHORT["bn" if part.startswith("bn") else "conv"][leaf])
