"""Fifty steps on one fixed batch, integers beside float: does every block's local loss fall alike?

python scripts/experiments/fifty_steps.py --net smallconv --data fashion-mnist --rules lls,lls_m --bits 8,16
"""

import argparse
import sys
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from lls_hw.config import RunSpec, lower_run, resolve_run
from lls_hw.fidelity.counts import losses
from lls_hw.models.data import Images, batch, normalise
from lls_hw.models.reference.initial import initial_parameters
from lls_hw.models.reference.step import training_step
from lls_hw.options.run import RunChoices
from lls_hw.sim.functional.engine import FunctionalEngine
from lls_hw.sim.functional.state import initial_values, input_codes

Curves = list[dict[str, float]]


def integer_losses(run: RunSpec, reals: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], steps: int) -> Curves:
    """Loss by layer before each step, in integers."""
    program = lower_run(run)
    values = initial_values(program, initial_parameters(run.network, run.rule, run.seed))
    engine = FunctionalEngine(program, values, run.chip, seed=run.seed)
    x = input_codes(reals, run.precision.activation_bits)
    return [losses(engine.step(x, labels), engine) for _ in range(steps)]


def float_losses(run: RunSpec, reals: npt.NDArray[np.float32], labels: npt.NDArray[np.int64], steps: int) -> Curves:
    """Loss by layer before each step, in real numbers, from the same initial parameters."""
    parameters: Mapping[str, npt.NDArray[np.float32]] = initial_parameters(run.network, run.rule, run.seed)
    momenta: Mapping[str, npt.NDArray[np.float32]] = {}
    found = []
    for _ in range(steps):
        record = training_step(run.network, run.rule, run.optimizer, parameters, momenta, reals, labels)
        parameters, momenta = record.parameters, record.momenta
        found.append(record.losses)
    return found


def fixed_batch(run: RunSpec, images: Images) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """The first batch of the run."""
    pictures, labels = batch(images, run.batch, run.seed, 0)
    return normalise(pictures, images.mean, images.std), labels


def verdict(ours: Curves, theirs: Curves, name: str) -> tuple[bool, bool]:
    """(ends within 10 % of float's end, falls at least half as far)."""
    near = abs(ours[-1][name] - theirs[-1][name]) <= 0.1 * theirs[-1][name]
    return near, ours[0][name] - ours[-1][name] >= 0.5 * (theirs[0][name] - theirs[-1][name])


def main() -> int:
    """Print one Markdown row per rule, width and block; exit 1 if one misses."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for option, default in (("net", "smallconv"), ("data", "fashion-mnist"), ("rules", "lls_m"), ("bits", "8")):
        parser.add_argument(f"--{option}", default=default)
    for option, number in (("seed", 0), ("batch", 64), ("steps", 50)):
        parser.add_argument(f"--{option}", type=int, default=number)
    parser.add_argument("--temperature", type=float, default=0.5)
    parser.add_argument("--lr", type=float, default=0.05)
    args = parser.parse_args()
    print("| rule | bits | block | start | float end | integer end | end / float - 1 | fall / float's fall | |")
    print("|---|---|---|---|---|---|---|---|---|")
    good = True
    for rule in args.rules.split(","):
        for bits in args.bits.split(","):
            good &= rows(args, rule, bits)
    return 0 if good else 1


def rows(args: argparse.Namespace, rule: str, bits: str) -> bool:
    """The rows of one rule and width."""
    choices = RunChoices(
        net=args.net,
        rule=rule,
        bits=bits.replace(":", ","),
        data=args.data,
        batch=args.batch,
        seed=args.seed,
        temperature=args.temperature,
        learning_rate=args.lr,
    )
    run, images = resolve_run(choices)
    assert images is not None
    reals, labels = fixed_batch(run, images)
    ours, theirs = integer_losses(run, reals, labels, args.steps), float_losses(run, reals, labels, args.steps)
    good = True
    for name in theirs[0]:
        met = all(verdict(ours, theirs, name))
        good &= met or name == "classifier"
        start, end, found = theirs[0][name], theirs[-1][name], ours[-1][name]
        share = (ours[0][name] - found) / (start - end)
        print(
            f"| {rule} | {bits} | {name} | {start:.4f} | {end:.4f} | {found:.4f} | {100 * (found / end - 1):+.1f} % "
            f"| {share:.3f} | {'met' if met else 'missed'} |",
            flush=True,
        )
    return good


if __name__ == "__main__":
    sys.exit(main())
