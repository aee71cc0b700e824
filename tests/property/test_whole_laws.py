"""Laws of whole training steps of shipped networks, in settings drawn by `scripts/laws.py` (2 000 there, few here)."""

import random
from collections import Counter

from scripts import laws


def test_laws__hold_over_drawn_settings() -> None:
    pairs = laws.settings(random.Random(20261126), schedule="op")
    judged = list(laws.judged(pairs, 36))
    assert Counter(law for law, *_ in judged) == dict.fromkeys(laws.LAWS, 6)
    assert [(law, ratio, small, large) for law, ratio, small, large in judged if laws.broken(law, ratio)] == []
    assert len({small.net for _, _, small, _ in judged}) > 1


def test_laws__can_break() -> None:
    """A machine that is worse than its smaller one is found."""
    assert laws.broken("sram: bytes", 1.0001)
    assert laws.broken("array: cycles", 1.02)
    assert not laws.broken("array: cycles", 1.005)
