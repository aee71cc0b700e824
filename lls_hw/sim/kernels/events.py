"""The words in which kernels say what they do to one element, class by class.

Each kernel's table stands beside it, and a counting integer that runs through the kernel's own lines, and
through the oracle's, holds it (`tests/unit/kernels/test_events.py`). The classes, as hardware does them:

    macs          a product to which something is added as it leaves the multiplier
    narrow_macs   the same of narrow codes
    multiplies    a product that nothing is added to
    adds          an addition or subtraction
    compares      a comparison, with the selection that it decides
    shifts        a rounding shift by an amount that data decide; one by a constant is wires
    divides       a division or a square root
    requantises   shift, round and clamp to a narrower code
    table_reads, draws, phase_steps, peaks   one use of that circuit
"""

from collections.abc import Mapping

Events = Mapping[str, int]
"""Class of events to how many of them one element takes."""

PEAK: Events = {"peaks": 1}
DRAW: Events = {"draws": 1}


def plus(*parts: Events) -> dict[str, int]:
    """The events of several loops on the same element.

    Examples
    --------
    >>> plus({"adds": 1}, {"adds": 1, "macs": 2})
    {'adds': 2, 'macs': 2}
    """
    total: dict[str, int] = {}
    for part in parts:
        for event, number in part.items():
            total[event] = total.get(event, 0) + number
    return total
