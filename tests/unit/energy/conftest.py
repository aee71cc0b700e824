"""The default chip, its technology and a run with every kind of event."""

import pytest

from lls_hw.models import registry
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.cost.counts import NAMES, Counts


@pytest.fixture(scope="session")
def chip():
    return registry.load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip")


@pytest.fixture(scope="session")
def technology():
    return registry.load("technology", "cmos_45nm", TechnologySpec, "--technology")


@pytest.fixture(scope="session")
def synthesised():
    return registry.load("technology", "cmos_45nm_synthesised_pe", TechnologySpec, "--technology")


@pytest.fixture(scope="session")
def busy():
    """A different prime-ish number of every event."""
    numbers = {name: 101 + 7 * i for i, name in enumerate(NAMES)}
    return Counts(**{**numbers, "macs": 5000})
