"""FashionMNIST, SmallConv: integers at several widths beside the float reference, as a Markdown table.

Two epochs of 20 000 images, batch 64, T = 1, SGD with momentum 0.9, learning rate 0.05 with cosine
decay, tested on all 10 000 test images. Every run has a file of its own in --out and a checkpoint
beside it: a killed script continues where it stopped, and a finished one only prints.

    python scripts/experiments/fashion.py --rules lls,lls_m --bits float,8,16 --seeds 0,1,2 --out results/fashion

A width is whatever `--bits` of `lls-hw` takes, with ":" between roles (w4:a8), or `float`, or `nearest8`:
8 bits with 8-bit masters whose updates are rounded to nearest, the documented failure.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from lls_hw.config import Choices, RunSpec, resolve_run
from lls_hw.models.data import Images
from lls_hw.results import json_text, write_whole
from lls_hw.training import limited, train
from lls_hw.training_float import train_float
from lls_hw.training_records import TrainPlan


def main() -> int:
    """Run what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rules", default="lls,lls_m")
    parser.add_argument("--bits", default="float,8,16")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--net", default="smallconv")
    parser.add_argument("--data", default="fashion-mnist")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--limit", type=int, default=20_000)
    parser.add_argument("--print-only", action="store_true")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    for seed in args.seeds.split(","):
        for bits in args.bits.split(","):
            for rule in args.rules.split(","):
                if not args.print_only:
                    run_once(args, rule, bits, int(seed))
    print(table(args.out))
    return 0


def run_once(args: argparse.Namespace, rule: str, bits: str, seed: int) -> None:
    """One training run, unless its result exists."""
    target = args.out / f"{args.net}-{rule}-{bits.replace(':', '_')}-seed{seed}.json"
    if target.exists():
        return
    run, images = describe(args, rule, bits, seed)
    plan = TrainPlan(epochs=args.epochs, limit=args.limit, checkpoint=target.with_suffix(".ckpt"))
    images = limited(run, images, plan)
    result: dict[str, Any] = {"net": args.net, "rule": rule, "bits": bits, "seed": seed, "plan": plan.json()}
    if bits == "float":
        curve, rate, _ = train_float(run, images, plan)
        result |= {"curve": curve, "images_per_s": rate}
    else:
        done = train(run, images, plan, progress=say)
        result |= {"curve": done.curve, "images_per_s": done.images_per_s, "tensors": done.tensors}
    write_whole(str(target), json_text(result))
    print(f"{target.name}: {[round(row['test_accuracy'], 2) for row in result['curve']]}", file=sys.stderr, flush=True)


def describe(args: argparse.Namespace, rule: str, bits: str, seed: int) -> tuple[RunSpec, Images]:
    """The run of one cell of the table."""
    width = {"float": "8", "nearest8": "w8,a8,e8,m8"}.get(bits, bits.replace(":", ","))
    choices = Choices(
        net=args.net, rule=rule, bits=width, seed=seed, data=args.data, batch=64, temperature=1.0, baseline="none"
    )
    run, images = resolve_run(choices)
    if bits == "nearest8":
        run = run.model_copy(update={"precision": run.precision.model_copy(update={"update_rounding": "nearest_even"})})
    assert images is not None
    return run, images


def say(text: str, done: int, total: int) -> None:
    """A line now and then."""
    if done % 50 == 0:
        print(f"  {text}, step {done} of {total}", file=sys.stderr, flush=True)


def table(folder: Path) -> str:
    """Mean test accuracy over seeds, by rule and width."""
    cells: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text())
        cells.setdefault((result["rule"], result["bits"]), []).append(result)
    lines = [
        "| rule | width | test % | by seed | against float | images/s | saturated, last epoch | updates lost % |",
        "|---|---|---|---|---|---|---|---|",
    ]
    means = {cell: statistics.mean(final(r)["test_accuracy"] for r in runs) for cell, runs in cells.items()}
    for (rule, bits), runs in cells.items():
        base = means.get((rule, "float"))
        against = "" if base is None or bits == "float" else f"{means[rule, bits] - base:+.2f}"
        seeds = ", ".join(f"{r['seed']}: {final(r)['test_accuracy']:.2f}" for r in runs)
        rate = statistics.mean(r["images_per_s"] for r in runs)
        last = final(runs[0])
        extra = "| |" if bits == "float" else f"| {last['saturated']} | {100 * last['lost_update_fraction']:.1f}"
        lines.append(f"| {rule} | {bits} | {means[rule, bits]:.2f} | {seeds} | {against} | {rate:.0f} {extra} |")
    return "\n".join(lines)


def final(result: dict[str, Any]) -> dict[str, Any]:
    """The last entry of a curve."""
    last: dict[str, Any] = result["curve"][-1]
    return last


if __name__ == "__main__":
    sys.exit(main())
