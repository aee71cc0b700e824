"""Whatever is costed can be carried out: random networks, rules, chips, widths and optimisers, in every kind of order.

`python scripts/replay_random.py` draws a thousand.
"""

from hypothesis import HealthCheck, Phase, given, reject, settings
from hypothesis import strategies as st

from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.geometry import NORMS
from lls_hw.sim.replay.compare import Proof
from lls_hw.sim.replay.errors import ReplayError
from tests.property.test_event_laws import RULES, chips, networks
from tests.unit.functional.small import with_fitting_norm
from tests.unit.replay.cases import case

NOT_COSTED = ("lie in more pieces than are costed", "than is costed", "is cut by groups of channels")
"""Complaints about pooled gradients that are cut by channels, which are not replayed (docs/replay.md)."""
QUICK = settings(
    deadline=None,
    max_examples=8,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a step of seconds is shrunk for ever
    suppress_health_check=list(HealthCheck),
)
WIDTHS = ("8", "8", "4", "16", "w4,a6,e5,m12,acc40")


@st.composite
def replays(draw: st.DrawFn) -> list[Proof]:
    """Every schedule of one random step, carried out."""
    network, norm = draw(networks()), draw(st.sampled_from(NORMS))
    rule, order = draw(st.sampled_from(RULES)), draw(st.sampled_from(["op", "fused", "best"]))
    bits, optimizer = draw(st.sampled_from(WIDTHS)), draw(st.sampled_from(["momentum", "sgd", "adam"]))
    try:
        network = with_fitting_norm(network, norm)
        made = case(network, rule, draw(chips()), batch=draw(st.integers(1, 4)), bits=bits, optimizer=optimizer)
        found = [] if made is None else made.schedules(order)
    except SpecError:
        reject()  # a scratchpad that cannot hold one tile, a batch of one value, a pooling larger than its map
    if made is None:
        reject()  # no step in which all scales stand before it, or sums that overflow
    try:
        return [made.replay(schedule) for schedule in found]
    except ReplayError as error:
        if not any(known in error.need for known in NOT_COSTED):
            raise
        reject()


def carried_out(proofs: list[Proof]) -> None:
    """Nothing differs."""
    differences = [line for proof in proofs for line in proof.differences]
    assert not differences, "\n".join(differences)


@QUICK
@given(replays())
def test_random_steps__schedules_are_carried_out_as_costed(proofs: list[Proof]) -> None:
    carried_out(proofs)
