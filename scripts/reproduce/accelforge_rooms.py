"""How much of our distance to AccelForge is two rules of room: our words with each of them off.

    python scripts/reproduce/accelforge_rooms.py [--write docs/accelforge.md]

An op claims half the scratchpad for its tiles against tensors that would like to stay (`ROOM_SHARE`), and a group
leaves a sixteenth to small tensors (`SPARE_SHARE`). Here an op claims what its smallest tiles need, and a group leaves
nothing. Needs no AccelForge.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lls_hw.models.registry import load
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.mapping import schedule
from lls_hw.sim.schedule import estimate
from scripts.reproduce.accelforge import ours, sized
from scripts.reproduce.accelforge_chains import CHAINS, program_of

NOTHING = 1 << 30
"""A share of one in so many: none."""
HEAD = (
    "| chain | KiB | ours | without `SPARE_SHARE` | without `ROOM_SHARE` | without both |",
    "|---|--:|--:|--:|--:|--:|",
)


@contextmanager
def rules(spare_share: int, room_share: int) -> Iterator[None]:
    """With other shares."""
    before = estimate.SPARE_SHARE, schedule.ROOM_SHARE
    estimate.SPARE_SHARE, schedule.ROOM_SHARE = spare_share, room_share
    try:
        yield
    finally:
        estimate.SPARE_SHARE, schedule.ROOM_SHARE = before


def rows(chip: AcceleratorSpec) -> Iterator[str]:
    """The chains and scratchpads where a rule matters."""
    spare, room = estimate.SPARE_SHARE, schedule.ROOM_SHARE
    for chain in CHAINS:
        program = program_of(chain)
        for kib, size in zip(chain.kib, chain.capacities_bytes, strict=True):
            found = []
            for shares in ((spare, room), (NOTHING, room), (spare, NOTHING), (NOTHING, NOTHING)):
                with rules(*shares):
                    side = ours(program, sized(chip, size))
                found.append(f"{side.words:,}" if side else "nothing fits")
            if len(set(found)) > 1:
                yield f"| {chain.name} | {kib:g} | {' | '.join(found)} |"


def main() -> int:
    """Print the table, or write it between the marks of a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chip", default="edge_16x16")
    parser.add_argument("--write", type=Path, help="a page with <!-- rooms --> marks")
    args = parser.parse_args()
    chip = load("chips", args.chip, AcceleratorSpec, "--chip").changed("dram", burst_bytes=1, row_bytes=1 << 20)
    text = "\n".join((*HEAD, *rows(chip)))
    if args.write is None:
        print(text)
        return 0
    head, _, rest = args.write.read_text().partition("<!-- rooms -->")
    tail = rest.partition("<!-- end rooms -->")[2]
    args.write.write_text(f"{head}<!-- rooms -->\n\n{text}\n\n<!-- end rooms -->{tail}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
