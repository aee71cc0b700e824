"""LLS costs less than backpropagation whatever the technology and the kind of DRAM: the sign is no choice of ours."""

import pytest

from lls_hw.models.program.lower import lower
from lls_hw.models.registry import load, load_network, names
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.technology import LEVELS, TechnologySpec
from lls_hw.sim.cost.energy import price
from lls_hw.sim.event.engine import run_events

CHIP = load("chips", "edge_16x16", AcceleratorSpec, "--chip")
TECHNOLOGIES = [load("technology", name, TechnologySpec, "--technology") for name in names("technology")]


@pytest.mark.parametrize("device", names("dram"))
@pytest.mark.parametrize("net", ["vww_cnn", "vgg8"])
def test_lls__costs_less_than_bp_everywhere(net: str, device: str) -> None:
    """At every level of the spread, each rule's prices being the same ones."""
    chip = CHIP.changed("dram", device=device)
    bp, lls = (run_events(lower(load_network(net), parse_rule(rule), batch=8), chip) for rule in ("bp", "lls_m"))
    for technology in TECHNOLOGIES:
        for level in LEVELS:
            theirs, ours = (
                price(
                    run.counts, cycles=run.cycles, chip=chip, precision=Precision(), technology=technology, level=level
                )
                for run in (bp, lls)
            )
            assert theirs.total > ours.total, (technology.name, level)
