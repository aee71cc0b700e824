"""An integer training step of SmallConv beside PyTorch's float32 BP step, on the same cores, in turns.

    python scripts/bench/step_speed.py --rules lls,lls_m,lls_mxm,bp --bits 8 --batch 64

Both sides take the same FashionMNIST batch and the same
optimiser, SGD with momentum. PyTorch runs the network as anybody would write it. One step of each in
turn, so that a slow machine is slow for both; the first steps compile and are left out.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import torch
from torch import nn

from lls_hw.config import RunSpec, resolve_run
from lls_hw.models.data import Images, batch, normalise
from lls_hw.models.program.lower import lower
from lls_hw.models.reference.initial import initial_parameters
from lls_hw.options.run import RunChoices
from lls_hw.sim.functional.engine import FunctionalEngine
from lls_hw.sim.functional.state import initial_values, input_codes

WARM = 5


def integer_step(run: RunSpec, images: Images) -> Callable[[], object]:
    """One step of the functional engine on a fixed batch."""
    program = lower(run.network, run.rule, run.precision, optimizer=run.optimizer, batch=run.batch)
    values = initial_values(program, initial_parameters(run.network, run.rule, run.seed))
    engine = FunctionalEngine(program, values, run.chip, seed=run.seed)
    pictures, labels = batch(images, run.batch, run.seed, 0)
    codes = input_codes(normalise(pictures, images.mean, images.std), run.precision.activation_bits)
    return lambda: engine.step(codes, labels)


def torch_step(run: RunSpec, images: Images) -> Callable[[], object]:
    """One float32 step of backpropagation in PyTorch."""
    pictures, labels = batch(images, run.batch, run.seed, 0)
    x = torch.from_numpy(normalise(pictures, images.mean, images.std)).float().permute(0, 3, 1, 2).contiguous()
    y = torch.from_numpy(labels).long()
    module = smallconv()
    optimizer = torch.optim.SGD(module.parameters(), lr=run.optimizer.learning_rate, momentum=run.optimizer.momentum)

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(x), y).backward()
        optimizer.step()

    return step


def smallconv() -> nn.Module:
    """SmallConv for 1 x 28 x 28."""
    return nn.Sequential(
        *conv_block(1, 32),
        nn.MaxPool2d(2),
        *conv_block(32, 64),
        nn.MaxPool2d(2),
        *conv_block(64, 128),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
        nn.Linear(512, 512),
        nn.BatchNorm1d(512),
        nn.LeakyReLU(0.01),
        nn.Linear(512, 10),
    )


def conv_block(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    """3 x 3 convolution, BatchNorm, LeakyReLU."""
    return nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.01)


def in_turns(steps: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every step, one of each in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(WARM + rounds):
        for name, step in steps.items():
            begin = time.perf_counter()
            step()
            if turn >= WARM:
                seconds[name].append(time.perf_counter() - begin)
    return seconds


def main() -> int:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rules", default="lls,lls_m,lls_mxm,bp")
    parser.add_argument("--bits", default="8")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=40)
    args = parser.parse_args()
    steps: dict[str, Callable[[], object]] = {}
    for rule in args.rules.split(","):
        choices = RunChoices(net="smallconv", rule=rule, bits=args.bits, batch=args.batch, data="fashion-mnist")
        run, images = resolve_run(choices)
        assert images is not None
        steps.setdefault("PyTorch float32 bp", torch_step(run, images))
        steps[f"{rule}, {args.bits} bits"] = integer_step(run, images)
    seconds = in_turns(steps, args.rounds)
    base = seconds["PyTorch float32 bp"]
    print(f"batch {args.batch}, {torch.get_num_threads()} threads, {args.rounds} rounds in turns")
    print("| step | median ms | least ms | median / PyTorch's | least / PyTorch's |\n|---|---|---|---|---|")
    for name, times in seconds.items():
        middle, least = statistics.median(times), min(times)
        ratios = f"{middle / statistics.median(base):.2f} | {least / min(base):.2f}"
        print(f"| {name} | {1e3 * middle:.1f} | {1e3 * least:.1f} | {ratios} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
