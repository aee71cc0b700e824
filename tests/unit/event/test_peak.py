"""Whoever fills the scratchpad at its fullest is named, also where space passes from one holder to the next."""

from lls_hw.models.registry import load
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.event.machine import EventMachine


def test_peak__names_a_holder_that_waited_for_its_space() -> None:
    chip = load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip").changed("scratchpad", capacity_bytes=1024)
    m = EventMachine(chip, trace=False)

    def early():
        yield from m.reserve("early", 800)
        yield m.env.timeout(5)
        m.give_back("early", 800)

    def late():
        yield m.env.timeout(1)
        yield from m.reserve("late", 1000)
        yield m.env.timeout(5)
        m.give_back("late", 1000)

    def between():
        yield from m.reserve("between", 10)
        yield m.env.timeout(5)
        yield m.env.timeout(0)  # space has been granted to `late`, which has not gone on yet
        m.give_back("between", 10)

    m.env.run(until=m.env.all_of([m.env.process(part()) for part in (early, late, between)]))
    assert (m.record.peak_bytes, m.record.peak_holders) == (1000, {"late": 1000})
    assert m.holders == {}
