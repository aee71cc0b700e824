"""Train one row of the published tables with the float reference, or print the command of each.

    python scripts/reproduce/run.py --list
    python scripts/reproduce/run.py t3-vww-vgg8-lls_m --data vww:DIR --device cuda --checkpoint vww.pt
    python scripts/reproduce/run.py --reduced          # FashionMNIST in minutes on two cores

Each epoch prints a line of JSON. Exit status 0 done, 2 the input is wrong.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
import numpy.typing as npt
import tables

from lls_hw.models.data import PUBLISHED, Images, augment, load_data, normalise
from lls_hw.models.registry import load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.rule import OptimizerSpec

REDUCED_RULES = ("lls", "lls_m", "bp")


def main(argv: Sequence[str] | None = None) -> int:
    """Parse, run, and return the exit status."""
    args = _parser().parse_args(argv)
    try:
        if args.list:
            for row in tables.rows():
                print(_command(row))
        elif args.reduced:
            for rule in REDUCED_RULES:
                _train_reduced(rule, args)
        else:
            _train_row(_row(args.row), args)
    except SpecError as error:
        print(f"reproduce: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Reproduce tables 1 to 3 of arXiv 2405.15868.")
    parser.add_argument("row", nargs="?", help="name of a row, see --list")
    parser.add_argument("--list", action="store_true", help="print one command per row")
    parser.add_argument("--reduced", action="store_true", help="LLS, LLS-M and BP on FashionMNIST, 2 short epochs")
    parser.add_argument("--data", help="data set, as in lls-hw train --data; default: the row's, in its usual place")
    parser.add_argument("--epochs", type=int, help="instead of the row's")
    parser.add_argument("--limit", type=int, help="use this many training images")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu", help="any device of torch, such as cuda")
    parser.add_argument("--checkpoint", type=Path, help="continue from this file, and rewrite it every epoch")
    return parser


def _row(name: str | None) -> tables.Row:
    found = {row.name: row for row in tables.rows()}
    if name not in found:
        raise SpecError("row", name, "no table has it", "See --list.")
    return found[name]


def _command(row: tables.Row) -> str:
    place = "" if row.dataset == "fashion-mnist" else ":DIR"
    return (
        f"python scripts/reproduce/run.py {row.name} --data {row.dataset}{place} --device cuda"
        f" --checkpoint {row.name}.pt  # {row.epochs} epochs"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run, settled. `recipe` names the data set whose augmentations are used, if any."""

    name: str
    network: str
    rule: str
    temperature: float
    waveform: str
    optimizer: OptimizerSpec
    schedule: str
    epochs: int
    batch: int
    recipe: str | None


def _train_row(row: tables.Row, args: argparse.Namespace) -> None:
    """A row with the published settings."""
    plan = Plan(
        name=row.name,
        network=row.network,
        rule=row.rule,
        temperature=tables.TEMPERATURE,
        waveform=row.waveform,
        optimizer=OptimizerSpec(name=tables.OPTIMIZER, learning_rate=tables.LEARNING_RATE),
        schedule="constant",
        epochs=args.epochs or row.epochs,
        batch=tables.BATCH,
        recipe=row.dataset if row.augmented else None,
    )
    shape, classes = tables.DATASETS[row.dataset]
    source = args.data or row.dataset
    _train(plan, load_data(source, shape=shape, classes=classes, seed=args.seed, limit=args.limit), args)


def _train_reduced(rule: str, args: argparse.Namespace) -> None:
    """Minutes on a small machine: 2 epochs of 20 000 images, momentum 0.9, cosine from 0.05, batch 64, T = 1."""
    plan = Plan(
        name=f"reduced-fashion-mnist-smallconv-{rule}",
        network="smallconv",
        rule=rule,
        temperature=1.0,
        waveform="square",
        optimizer=OptimizerSpec(name="momentum", learning_rate=0.05, momentum=0.9),
        schedule="cosine",
        epochs=args.epochs or 2,
        batch=64,
        recipe=None,
    )
    shape, classes = tables.DATASETS["fashion-mnist"]
    source, limit = args.data or "fashion-mnist", args.limit or 20_000
    _train(plan, load_data(source, shape=shape, classes=classes, seed=args.seed, limit=limit), args)


def _train(plan: Plan, data: Images, args: argparse.Namespace) -> None:
    """Train and print the curve as it grows."""
    from lls_hw.models.reference.schedule import RateScheduleSpec
    from lls_hw.models.reference.train import Samples, TrainOptions, train

    def prepare(images: npt.NDArray[np.uint8], step: int | None) -> npt.NDArray[np.float32]:
        if step is not None and plan.recipe is not None:
            images = augment(images, PUBLISHED[plan.recipe], seed=args.seed, step=step, mean=data.mean)
        return normalise(images, data.mean, data.std)

    network = load_network(plan.network).resized(data.shape, data.classes)
    constants = {"temperature": plan.temperature, "waveform": plan.waveform, "reduced_rows": network.reduced_rows}
    options = TrainOptions(
        epochs=plan.epochs,
        batch=plan.batch,
        schedule=RateScheduleSpec(name=plan.schedule),
        seed=args.seed,
        device=args.device,
        checkpoint=args.checkpoint,
    )
    sets = (
        Samples(images=data.train_images, labels=data.train_labels),
        Samples(images=data.test_images, labels=data.test_labels),
    )
    train(
        network,
        parse_rule(plan.rule, **constants),
        plan.optimizer,
        sets,
        options,
        prepare=prepare,
        progress=lambda entry: print(json.dumps({"run": plan.name, **entry}), flush=True),
    )


if __name__ == "__main__":
    sys.exit(main())
