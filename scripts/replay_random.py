"""Random networks, rules, chips and widths, replayed in every kind of order: the property of the suite, many times.

    python scripts/replay_random.py [--examples 1000] [--seed 0]

Prints the number of schedules that were carried out. Exit status 1, with the difference, if one differs.
"""

import argparse
import sys
import traceback
from pathlib import Path

from hypothesis import Phase, given, seed, settings

sys.path.insert(0, str(Path(__file__).parents[1]))

from lls_hw.sim.replay.compare import Proof
from lls_hw.sim.replay.errors import ReplayError
from tests.property.test_replay_laws import QUICK, carried_out, replays


def main() -> int:
    """Draw so many steps."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    done: list[int] = []

    @seed(args.seed)
    @settings(QUICK, max_examples=args.examples, phases=[Phase.generate], database=None)
    @given(replays())
    def run(proofs: list[Proof]) -> None:
        carried_out(proofs)
        done.append(len(proofs))

    try:
        run()
    except (AssertionError, ReplayError):
        traceback.print_exc()
        return 1
    print(f"{len(done)} steps, {sum(done)} schedules carried out as costed, seed {args.seed}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
