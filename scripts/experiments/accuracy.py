"""Integers at several widths beside the float reference: accuracy, energy and cycles, as a Markdown table.

Batch 64, T = 1, SGD with momentum 0.9, learning rate 0.05 with cosine decay, tested on the whole test set after
every epoch. Every run has a file of its own in --out and a checkpoint beside it: a killed script continues where
it stopped, and a finished one only prints.

    python scripts/experiments/accuracy.py --rules lls,lls_m --bits float,8,16 --seeds 0,1,2 --out results/fashion
    python scripts/experiments/accuracy.py --data npz:cifar10_small.npz --epochs 5 --limit 10000 \\
        --rules lls_m,lls_mxm,bp --bits float,16,8 --seeds 0,1 --out results/cifar

A width is whatever `--bits` of `lls-hw` takes, with ":" between roles (w4:a8), or `float`, or `nearest8`:
8 bits with 8-bit masters whose updates are rounded to nearest, the documented failure. Energy and cycles are of a
training step on the default chip, over its 64 images.
"""

import argparse
import json
import statistics
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lls_hw.config import RunSpec, lower_run, resolve_run
from lls_hw.files import json_text, write_whole
from lls_hw.models.data import Images
from lls_hw.options.run import RunChoices
from lls_hw.training.float_run import train_float
from lls_hw.training.plan import TrainPlan
from lls_hw.training.result import price_of_image
from lls_hw.training.trainer import limited, train

BATCH = 64


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
    parser.add_argument("--norm", help="statistics that every block normalises with; a folder --out of its own each")
    parser.add_argument("--print-only", action="store_true", help="only the table of what is there")
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
        program = lower_run(run)
        done = train(run, program, images, plan, progress=say)
        result |= {"curve": done.curve, "images_per_s": done.images_per_s, "tensors": done.tensors}
        result |= {"per_image": asdict(price_of_image(run, program))}
    write_whole(str(target), json_text(result))
    print(f"{target.name}: {[round(row['test_accuracy'], 2) for row in result['curve']]}", file=sys.stderr, flush=True)


def describe(args: argparse.Namespace, rule: str, bits: str, seed: int) -> tuple[RunSpec, Images]:
    """The run of one cell of the table."""
    width = {"float": "8", "nearest8": "w8,a8,e8,m8"}.get(bits, bits.replace(":", ","))
    choices = RunChoices(
        net=args.net, norm=args.norm, rule=rule, bits=width, seed=seed, data=args.data, batch=BATCH, temperature=1.0,
        baseline="none",
    )  # fmt: skip
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
    """Mean test accuracy over seeds, by rule and width, and what an image of training costs."""
    cells: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text())
        cells.setdefault((result["rule"], result["bits"]), []).append(result)
    lines = [
        "| rule | width | test %, mean | by seed | mean - float | energy, uJ/image | cycles/image | saturated/step | "
        "updates lost % |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    means = {cell: statistics.mean(final(r)["test_accuracy"] for r in runs) for cell, runs in cells.items()}
    for (rule, bits), runs in sorted(cells.items(), key=_by_rule_and_width):
        base = means.get((rule, "float"))
        against = "" if base is None or bits == "float" else f"{means[rule, bits] - base:+.2f}"
        seeds = ", ".join(f"{r['seed']}: {final(r)['test_accuracy']:.2f}" for r in runs)
        extra = "| | | |" if bits == "float" else _chip_columns(runs)
        lines.append(f"| {rule} | {bits} | {means[rule, bits]:.2f} | {seeds} | {against} {extra} |")
    return "\n".join(lines)


def _by_rule_and_width(cell: tuple[tuple[str, str], Any]) -> tuple[str, int, str]:
    rule, bits = cell[0]
    return rule, {"float": 0, "16": 1, "8": 2}.get(bits, 3), bits


def _chip_columns(runs: list[dict[str, Any]]) -> str:
    """Costs of an image, and the last epoch's saturation and lost updates, means over seeds."""
    plan, price = runs[0]["plan"], runs[0]["per_image"]
    steps = plan["limit"] // BATCH
    saturated = statistics.mean(final(r)["saturated"] for r in runs) / steps
    lost = 100 * statistics.mean(final(r)["lost_update_fraction"] for r in runs)
    return f"| {price['energy_uj']:.1f} | {price['cycles']:,.0f} | {saturated:.1f} | {lost:.1f}"


def final(result: dict[str, Any]) -> dict[str, Any]:
    """The last entry of a curve."""
    last: dict[str, Any] = result["curve"][-1]
    return last


if __name__ == "__main__":
    sys.exit(main())
