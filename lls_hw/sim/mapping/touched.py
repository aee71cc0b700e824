"""Codes of each tensor that a streaming op touches, each once, over all its passes and groups."""

from dataclasses import dataclass, field

from lls_hw.sim.mapping.context import is_sums
from lls_hw.sim.mapping.stream import Flow, Stream
from lls_hw.sim.mapping.tile import add_to


@dataclass(slots=True)
class Touched:
    """Codes that tiles touch for the first time."""

    reads: dict[str, int] = field(default_factory=dict)
    writes: dict[str, int] = field(default_factory=dict)

    def add(self, stream: Stream) -> None:
        """Count a stream's flows; a tensor that several passes read counts once."""
        units = stream.samples * stream.units
        for into, total in ((True, self.reads), (False, self.writes)):
            seen: dict[str, int] = {}
            limit: dict[str, int] = {}
            for one in stream.passes:
                flows, sampled = (one.reads, one.sample_reads) if into else (one.writes, one.sample_writes)
                seen.update({flow.tensor: flow.codes * units for flow in flows})
                seen.update({flow.tensor: flow.codes * stream.samples for flow in sampled})
                seen.update({flow.tensor: flow.codes for flow in one.held_reads if into})
                limit.update({flow.tensor: flow.full * units for flow in flows if flow.full})
                limit.update({flow.tensor: flow.full * stream.samples for flow in sampled if flow.full})
            add_to(total, {name: codes for name, codes in seen.items() if not is_sums(name)})
            for name, most in limit.items():  # a latent on the border of two groups is touched by both
                if name in total:
                    total[name] = min(total[name], most)

    def hold(self, reads: tuple[Flow, ...], writes: tuple[Flow, ...]) -> None:
        """Count held operands; one that is not cut (labels) is the same codes for every group."""
        for flows, total in ((reads, self.reads), (writes, self.writes)):
            for flow in flows:
                total[flow.tensor] = flow.codes + (total.get(flow.tensor, 0) if flow.full else 0)
