"""The kernels' tables of events against the oracles, run on integers that count.

An oracle is mathematics and knows no lanes. Where the chip has another form of the same number, the reason stands in
the case, with its events; nothing else may differ.
"""

from collections import Counter
from typing import Any

import pytest

from lls_hw.sim.kernels import local, norm, norm_frozen, norm_group, norm_maps, pool, update
from lls_hw.sim.kernels.events import plus
from lls_hw.sim.kernels.requant import Narrowing
from tests.oracles import local as local_oracle
from tests.oracles import norm as norm_oracle
from tests.oracles import pool as pool_oracle
from tests.oracles import requant, scalar
from tests.oracles import update as update_oracle
from tests.oracles.counting import LEDGER, Amount, Word, tally, unfolded

SLOPE = (Word(20972), Amount(21))
BETA_FRAC = Amount(14)
KEPT = norm_oracle.Words(Word(300), Word(40000), Amount(20), Word(40000), Amount(20), Word(9000))


@pytest.fixture(autouse=True)
def circuits(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracles' primitives that the chip has as circuits count as one event each."""
    shifted, rounded, divided, saturated = scalar.shifted, scalar.rounded, scalar.divided, scalar.saturated

    def shift(code: int, by: int, rounding: str, random: int = 0) -> Word:
        before = Counter(LEDGER)
        found = Word(shifted(int(code), int(by), rounding, int(random)))
        LEDGER.clear()
        LEDGER.update(before)
        LEDGER["shifts"] += int(isinstance(by, Amount))
        return found

    def round_once(exact: Any, rounding: str) -> Word:
        LEDGER["shifts"] += 1
        return Word(rounded(exact, rounding))

    def divide(value: int, by: int) -> Word:
        LEDGER["divides"] += 1
        return Word(divided(int(value), int(by)))

    def clamp(code: int, bits: int) -> Word:
        LEDGER["compares"] += 2
        return Word(saturated(int(code), bits))

    monkeypatch.setattr(scalar, "shifted", shift)
    monkeypatch.setattr(pool_oracle, "shifted", shift)
    monkeypatch.setattr(pool_oracle, "divided", divide)
    monkeypatch.setattr(scalar, "rounded", round_once)
    monkeypatch.setattr(scalar, "divided", divide)
    monkeypatch.setattr(scalar, "saturated", clamp)
    LEDGER.clear()


def agree(said: dict[str, int], *reasons: tuple[str, Counter]) -> None:
    """The ledger, with every reason's events, is what the table says."""
    did = Counter(LEDGER)
    for _, change in reasons:
        did.update(change)
    assert unfolded(did) == unfolded(Counter(said))


def words(*values: int) -> list[Word]:
    return [Word(value) for value in values]


def test_requantise() -> None:
    requant.narrow(Word(1000), Amount(3), 8, "nearest_even", "saturate")
    agree(dict(Narrowing().events))


def test_momentum() -> None:
    update_oracle.momentum(Word(1000), Amount(3), Word(70), Word(29491))
    agree(dict(update.MOMENTUM))


def test_descent() -> None:
    update_oracle.descend(Word(500), Word(26214), Amount(19), 16, "stochastic", Word(900), 12345)
    agree(
        plus(update.DESCENT, Narrowing(rounding="stochastic").events),
        ("the oracle is given its draw", tally(draws=1)),
        ("the master's aligner, which moves where there is room to make", tally(shifts=1)),
        ("the detector for the next step", tally(peaks=1)),
        ("whether it saturated, for people", tally(adds=-1)),
    )


def test_norm_apply() -> None:
    norm_oracle.output(Word(-900), KEPT, BETA_FRAC, SLOPE)
    agree(
        plus(norm_maps.APPLY, norm_maps.LEAKY),
        ("the mean is part of the channel's offset", tally(adds=-1)),
        ("beta is at its scale there", tally(shifts=-1)),
    )


def test_norm_backward() -> None:
    """What one more position takes, whose pre-activation is negative."""
    found = []
    for count in (2, 3):
        LEDGER.clear()
        norm_oracle.gradient(words(*[-50] * count), words(*[-900] * count), KEPT, BETA_FRAC, SLOPE)
        found.append(Counter(LEDGER))
    LEDGER.clear()
    LEDGER.update({name: found[1][name] - found[0][name] for name in found[1]})
    agree(
        plus(norm_maps.BACK_SUMS, norm_maps.BACK_APPLY, norm_maps.LEAKY, norm_maps.LEAKY),
        ("pass two makes map, side and xhat again", tally(adds=2, macs=1, shifts=3, compares=1, multiplies=2)),
        ("mean and beta are in the map's offset, twice", tally(adds=-2, shifts=-2)),
        ("the mean is in xhat's offset, twice", tally(adds=-2, multiplies=-2, macs=2)),
        ("the mean error joins the pull", tally(adds=-1, multiplies=-1, macs=1)),
        ("the oracle sums the error for its mean and for beta", tally(adds=-1)),
    )


def test_frozen_backward() -> None:
    """What one more position takes, whose pre-activation is negative."""
    found = []
    for count in (2, 3):
        LEDGER.clear()
        norm_oracle.frozen_gradient(words(*[-50] * count), words(*[-900] * count), KEPT, BETA_FRAC, SLOPE)
        found.append(Counter(LEDGER))
    LEDGER.clear()
    LEDGER.update({name: found[1][name] - found[0][name] for name in found[1]})
    agree(
        plus(norm_frozen.FROZEN_APPLY, norm_frozen.FROZEN_SUM, norm_maps.LEAKY),
        ("mean and beta are in the map's offset", tally(adds=-1, shifts=-1)),
    )


def test_group_backward() -> None:
    """What one more position of both channels of a group takes, whose pre-activations are negative."""
    found = []
    for count in (2, 3):
        LEDGER.clear()
        columns = [words(*[-900] * count), words(*[-700] * count)]
        deltas = [words(*[-50] * count), words(*[-40] * count)]
        norm_oracle.group_gradient(deltas, columns, [KEPT, KEPT], words(9000, 8000), BETA_FRAC, SLOPE)
        found.append(Counter(LEDGER))
    LEDGER.clear()
    LEDGER.update({name: found[1][name] - found[0][name] for name in found[1]})
    two = [norm_maps.BACK_SUMS, norm_group.GROUP_APPLY, norm_maps.LEAKY, norm_maps.LEAKY] * 2
    agree(
        plus(*two),
        ("pass two makes map, side and xhat again", tally(adds=4, macs=2, shifts=6, compares=2, multiplies=4)),
        ("mean and beta are in the map's offset, twice", tally(adds=-4, shifts=-4)),
        ("the mean is in xhat's offset, twice", tally(adds=-4, multiplies=-4, macs=4)),
    )


def test_norm_running() -> None:
    for old, new in ((500, 700), (65536, 70000)):
        norm_oracle.running(Word(old), Word(new))
    agree(
        dict(norm.RUNNING),
        ("mean and unbiased variance, brought to the running scale", tally(divides=1, shifts=2)),
        ("both clamped", tally(compares=4)),
    )


def test_norm_sums() -> None:
    """Sum, sum of squares and ends of a channel's words: as mathematics has them, for three words."""
    codes = words(5, -7, 9)
    assert (sum(codes), sum(v * v for v in codes), min(codes), max(codes)) == (7, 155, -7, 9)
    three = Counter({name: 3 * number for name, number in plus(norm.SUMS, norm.EXTREMES).items()})
    agree(dict(three), ("the chip compares the first word with itself", tally(compares=2)))


def test_pool_maximum() -> None:
    pool_oracle.maximum([words(1, 2), words(3, 4)], (0, 2), (0, 2))
    four = {name: 4 * number for name, number in pool.MAXIMUM.items()}
    agree(four, ("the first word meets the least one", tally(compares=1)))


def test_pool_mean() -> None:
    pool_oracle.mean([words(1, 2, 5), words(3, 4, 5)], (0, 2), (0, 3), pool.MEAN_GUARD)
    agree(
        plus({name: 6 * number for name, number in pool.SUM.items()}, pool.SHARE),
        ("the reciprocal is the layer's", tally(divides=-1, compares=-1)),
        ("and so is its scale, a shift by data for the lane", tally(shifts=1)),
    )


def test_projection() -> None:
    local_oracle.project(words(3, 4, 5), [[1, -1, 1], [-1, 1, 1]])
    signs = {name: 6 * number for name, number in local.SIGN.items()}
    squares = {name: 3 * number for name, number in local.SQUARE.items()}
    agree(plus(signs, squares))
