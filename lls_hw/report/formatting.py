"""Numbers and names as people read them."""

import math
from collections.abc import Mapping
from typing import Any

STAGE_NAMES = {
    "forward": "forward",
    "loss": "loss",
    "local_error": "local error",
    "input_grad": "input gradient",
    "weight_grad": "weight gradient",
    "accumulate": "accumulation",
    "update": "update",
}
STALL_NAMES = {
    "working": "first unit works",
    "dram_read": "waits for DRAM reads",
    "dram_write": "waits for DRAM writes",
    "bank_conflict": "waits for a scratchpad bank",
    "dependency": "waits for an earlier op",
}
UNIT_NAMES = {
    "array": "array",
    "vector": "vector unit",
    "local": "local unit",
    "dma_read": "DMA read",
    "dma_write": "DMA write",
    "dram": "DRAM bus",
    "second": "second level",
}


def sig(value: float) -> str:
    """Three significant figures, noughts included, and no exponent where none is needed.

    Examples
    --------
    >>> sig(29.0), sig(2.5), sig(1234.0), sig(0.05)
    ('29.0', '2.50', '1230', '0.0500')
    """
    text = f"{value:#.3g}"
    return f"{float(text):.0f}" if "e" in text and abs(value) >= 1 else text.rstrip(".")


def short(value: float | None) -> str:
    """Three significant figures with a prefix: what headlines and captions say.

    Examples
    --------
    >>> short(31286384), short(0.0123), short(512), short(0), short(None), short(999.96)
    ('31.3 M', '0.0123', '512', '0', '-', '1,000')
    >>> short(27192.97), short(5e-6), short(1.5e12)
    ('27.2 k', '5e-06', '1.50 T')
    """
    if value is None or not math.isfinite(value):
        return "-"
    for power, prefix in ((12, "T"), (9, "G"), (6, "M"), (4, "k")):
        if abs(value) >= 10**power:
            scale = 3 if prefix == "k" else power
            return f"{sig(value / 10**scale)} {prefix}" if abs(value) < 1000 * 10**scale else f"{value:.3g}"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def tick(value: float, _position: int = 0) -> str:
    """A number beside an axis, without noughts at its end.

    Examples
    --------
    >>> tick(2500000.0), tick(20000.0), tick(0.5), tick(1000.0), tick(0.0)
    ('2.5 M', '20 k', '0.5', '1000', '0')
    """
    for size, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= max(size, 1e4):
            return f"{value / size:.4g} {prefix}"
    return f"{value:.6g}"


def full(value: Any) -> str:  # noqa: ANN401  (a cell of any table)
    """A number in full for a table: whole numbers with separators, others with five figures.

    Examples
    --------
    >>> full(31286384), full(27192.968805), full(0.25843), full(None), full("bp"), full(True), full(1e-9)
    ('31,286,384', '27,193.0', '0.25843', '-', 'bp', 'yes', '1e-09')
    """
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if abs(value) >= 1000:
            return f"{value:,.1f}"
        return f"{value:.5g}"
    return str(value)


def kib(value: float) -> str:
    """Bytes as people size memories.

    Examples
    --------
    >>> kib(261520), kib(15308384), kib(512)
    ('255.4 KiB', '14.6 MiB', '512 B')
    """
    if value >= 1 << 20:
        return f"{value / (1 << 20):,.1f} MiB"
    return f"{value / 1024:,.1f} KiB" if value >= 1024 else f"{value:,.0f} B"


def energy(microjoules: float) -> str:
    """Energy in the unit that fits.

    Examples
    --------
    >>> energy(27192.97), energy(141.18), energy(0.05)
    ('27.2 mJ', '141 µJ', '50.0 nJ')
    """
    if abs(microjoules) >= 1e6:
        return f"{sig(microjoules / 1e6)} J"
    if abs(microjoules) >= 1e3:
        return f"{sig(microjoules / 1e3)} mJ"
    if microjoules == 0:
        return "0 J"
    if abs(microjoules) < 1:
        return f"{sig(microjoules * 1e3)} nJ"
    return f"{sig(microjoules)} µJ"


def percent(part: float, whole: float) -> str:
    """A share without false precision.

    Examples
    --------
    >>> percent(1, 3), percent(1, 4000), percent(0, 0)
    ('33 %', '0.025 %', '0 %')
    """
    share = 100 * part / whole if whole else 0.0
    return f"{share:.0f} %" if share >= 10 or share == 0 else f"{share:.2g} %"


def factor(value: float | None) -> str:
    """A ratio; None where there is nothing to divide by."""
    return "-" if value is None else (f"{value:,.0f}×" if value >= 100 else f"{value:.2f}×")


def label(name: str, names: Mapping[str, str]) -> str:
    """The word for a key, or the key with its underscores opened."""
    return names.get(name, name.replace("_", " "))


def listed(words: list[str]) -> str:
    """Words in a sentence.

    Examples
    --------
    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def flat(value: Any, path: str = "") -> list[tuple[str, str]]:  # noqa: ANN401  (any JSON)
    """Nested inputs as one list of dotted names and values.

    Examples
    --------
    >>> flat({"a": {"b": [1, 2], "c": [{"d": None}]}})
    [('a.b', '1 × 2'), ('a.c[0].d', '-')]
    """
    if isinstance(value, dict):
        parts = [(f"{path}.{key}" if path else str(key), inner) for key, inner in value.items()]
    elif isinstance(value, list) and any(isinstance(inner, (dict, list)) for inner in value):
        parts = [(f"{path}[{at}]", inner) for at, inner in enumerate(value)]
    elif isinstance(value, list):
        return [(path, " × ".join(full(inner) for inner in value) or "none")]
    else:
        return [(path, full(value))]
    return [row for name, inner in parts for row in flat(inner, name)]
