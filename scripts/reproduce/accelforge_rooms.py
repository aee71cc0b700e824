"""How much of our distance to AccelForge is two rules of room, and what norms would add: our words without and with.

    python scripts/reproduce/accelforge_rooms.py [--write docs/accelforge.md]

An op claims half the scratchpad for its tiles against tensors that would like to stay (`ROOM_SHARE`), and a group
leaves a sixteenth to small tensors (`SPARE_SHARE`). Here an op claims what its smallest tiles need, and a group leaves
nothing. The second table has a norm of inference behind each product; a norm's own words are left out. Needs no
AccelForge.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.mapping import schedule
from lls_hw.sim.schedule import estimate
from scripts.reproduce.accelforge import ours, sized, word_chip
from scripts.reproduce.accelforge_chains import CHAINS, NORM_TENSORS, normed_program_of, program_of
from scripts.reproduce.accelforge_figures import Side
from scripts.reproduce.pages import write_between

NOTHING = 1 << 30
"""A share of one in so many: none."""
HEAD = (
    "| chain | KiB | ours | without `SPARE_SHARE` | without `ROOM_SHARE` | without both |",
    "|---|--:|--:|--:|--:|--:|",
)
NORMS_HEAD = ("| chain | KiB: words without / with norms | | | | |", "|---|--:|--:|--:|--:|--:|")


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


def norms(chip: AcceleratorSpec) -> Iterator[str]:
    """Words of the products alone over those with norms, at each scratchpad of each chain."""
    for chain in CHAINS:
        alone, normed, cells = program_of(chain), normed_program_of(chain), []
        for kib, size in zip(chain.kib, chain.capacities_bytes, strict=True):
            sides = ours(alone, sized(chip, size)), ours(normed, sized(chip, size))
            cells.append(f"{kib:g}: {' / '.join(_words(side) for side in sides)}")
        yield f"| {chain.name} | {' | '.join(cells)} |"


def _words(side: Side | None) -> str:
    """Words that are not a norm's own."""
    if side is None:
        return "nothing fits"
    return f"{sum(words for name, words in side.moved.items() if not _is_norm(name)):,}"


def _is_norm(name: str) -> bool:
    return name.split(maxsplit=1)[0].rpartition("/")[2] in NORM_TENSORS


def main() -> int:
    """Print the tables, or write them between the marks of a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chip", default="edge_16x16")
    parser.add_argument("--write", type=Path, help="a page with <!-- rooms --> and <!-- norms --> marks")
    args = parser.parse_args()
    chip = word_chip(args.chip)
    tables = {"rooms": "\n".join((*HEAD, *rows(chip))), "norms": "\n".join((*NORMS_HEAD, *norms(chip)))}
    if args.write is None:
        print("\n\n".join(tables.values()))
        return 0
    for mark, text in tables.items():
        write_between(args.write, mark, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
