"""Schedules of `vww_cnn` at full size carried out on real codes: the table of docs/replay.md.

    python scripts/replay_table.py [--batches 1,8] [--rules lls_m,bp] [--norms batch,frozen]

Exit status 1 if one of them differs from what was costed.
"""

import argparse
import sys
import time

from lls_hw.config import resolve_run
from lls_hw.fidelity.replay import replay
from lls_hw.options.run import RunChoices
from lls_hw.sim.schedule.names import SCHEDULES


def main() -> int:
    """Print a row for each batch, rule, norm and schedule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", default="vww_cnn")
    parser.add_argument("--batches", default="1,8")
    parser.add_argument("--rules", default="lls_m,bp")
    parser.add_argument("--norms", default="batch")
    args = parser.parse_args()
    print("| batch | norm | rule | schedule | tiles | tensors equal | DRAM bytes read | written | peak address | s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    failed = 0
    for batch in map(int, args.batches.split(",")):
        for norm in args.norms.split(","):
            for rule in args.rules.split(","):
                for schedule in SCHEDULES:
                    failed += not row(args.net, batch=batch, norm=norm, rule=rule, schedule=schedule)
    return int(failed > 0)


def row(net: str, *, batch: int, norm: str, rule: str, schedule: str) -> bool:
    """One replay in words; whether it is a proof."""
    begun = time.perf_counter()
    run, images = resolve_run(RunChoices(net=net, rule=rule, norm=norm, batch=batch, fusion=schedule))
    assert images is not None
    proof = replay(run, images).proof
    seconds = time.perf_counter() - begun
    equal = f"{proof.kept} + {proof.others}" if proof.holds else proof.differences[0]
    print(
        f"| {batch} | {norm} | {rule} | {schedule} | {proof.tiles:,} | {equal} | {proof.read_bytes:,} "
        f"| {proof.write_bytes:,} | {proof.peak_bytes:,} | {seconds:.0f} |",
        flush=True,
    )
    return proof.holds


if __name__ == "__main__":
    sys.exit(main())
