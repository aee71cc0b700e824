"""Is the best schedule ever worse than op by op? `python scripts/best_never_worse.py [--nets a,b] [--rules a,b] ...`.

Runs both over networks, rules, batches and scratchpads; prints the cases, and at the end how many there were, the
largest best / op, and those above 1 (status 1).
"""

import argparse
import sys
from itertools import product

from lls_hw.config import lower_run, objective_of, resolve_run
from lls_hw.models.registry import names
from lls_hw.models.rules.registry import rules
from lls_hw.models.spec.errors import SpecError
from lls_hw.options.run import RunChoices
from lls_hw.sim.event.engine import run_events
from lls_hw.sim.mapping.objective import OBJECTIVES


def figures(net: str, rule: str, batch: int, sram_kib: int, objective: str) -> tuple[float, float] | None:
    """The objective by op and with the best schedule; None where the chip is too small."""
    choices = RunChoices(
        net=net, rule=rule, batch=batch, sram_kib=sram_kib, objective=objective, numerics=False, baseline="none"
    )
    try:
        run, _ = resolve_run(choices)
        program, wanted = lower_run(run), objective_of(run)
        by_op, best = (run_events(program, run.chip, objective=wanted, schedule=name) for name in ("op", "best"))
    except SpecError as error:
        print(f"{net} {rule} batch {batch} {sram_kib} KiB: {error}")
        return None
    return wanted.of(by_op.counts, by_op.cycles), wanted.of(best.counts, best.cycles)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", default=",".join(names("nets")))
    parser.add_argument("--rules", default=",".join(rules()))
    parser.add_argument("--batches", default="1,8,32")
    parser.add_argument("--srams", default="128,256,512,1024,2048")
    parser.add_argument("--objectives", default=",".join(OBJECTIVES))
    given = parser.parse_args()
    batches, srams = ([int(size) for size in text.split(",")] for text in (given.batches, given.srams))
    found: dict[str, float] = {}
    for case in product(given.nets.split(","), given.rules.split(","), batches, srams, given.objectives.split(",")):
        pair = figures(*case)
        if pair is not None:
            found[" ".join(map(str, case))] = pair[1] / pair[0]
            print(f"{case}: best / op {pair[1] / pair[0]:.3f}", flush=True)
    worse = [name for name, share in found.items() if share > 1]
    largest = max(found.values(), default=0.0)
    print(f"{len(found)} cases; largest best / op {largest:.3f}; worse than op: {', '.join(worse) or 'none'}")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
