"""Random cases of `requantise` and of every scalar operation against the oracles of tests/oracles.

    python scripts/oracle_cases.py --cases 1000000 [--seed 0]

One line an operation: cases, mismatches, seconds, the first mismatch. Exit status 1 if any.
"""

import argparse
import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from lls_hw.sim.functional.accumulate import common_frac, share_of
from lls_hw.sim.functional.adam import BETA2_CODE, second_frac
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels import accumulate as kernel_accumulate
from lls_hw.sim.kernels import adam as kernel_adam
from lls_hw.sim.kernels import scalar as kernel_scalar
from lls_hw.sim.kernels import update as kernel_update
from lls_hw.sim.kernels.requant import ROUNDINGS, Narrowing, requantise
from tests.oracles import accumulate, adam, norm, requant, scalar, update

MODES = list(ROUNDINGS)
Case = tuple[object, object, object]
"""Arguments, what ours gave, what the oracle says."""


def spread(rng: random.Random, bits: int = 62) -> int:
    """A signed number whose length is uniform, a third of the time next to a power of two."""
    size = rng.randrange(bits)
    near = (1 << size) + rng.choice((-1, 0, 1)) if rng.randrange(3) == 0 else rng.getrandbits(size + 1)
    return rng.choice((-1, 1)) * min(near, (1 << bits) - 1)


def of(*values: int) -> list[np.int64]:
    """Arguments as the engine passes them."""
    return [np.int64(value) for value in values]


def requantise_cases(rng: random.Random, cases: int) -> Iterator[Case]:
    """Arrays of 100 codes in every rounding x overflow."""
    modes = list(product(MODES, ("saturate", "wrap")))
    for i in range(-(-cases // 100)):
        rounding, overflow = modes[i % len(modes)]
        bits, shift, key = rng.randint(2, 32), rng.randint(-20, 62), rng.getrandbits(32)
        codes = [spread(rng, min(62, max(3, bits + max(shift, 0) + 2))) for _ in range(100)]
        how = Narrowing(rounding=rounding, overflow=overflow, key=key)
        got, overflows = requantise(np.array(codes, np.int64), shift, bits, how)
        want, count = requant.narrow_all(codes, shift, bits, rounding, overflow, key)
        for code, ours, theirs in zip(codes, got.tolist(), want, strict=True):
            yield (rounding, overflow, shift, bits, key, code), (ours, overflows), (theirs, count)


def shift_round_case(rng: random.Random) -> Case:
    value, shift, mode, bits = spread(rng), rng.randint(1, 62), rng.randrange(4), rng.getrandbits(32)
    ours = kernel_scalar.shift_round(*of(value, shift, mode, bits))
    return (value, shift, MODES[mode], bits), int(ours), scalar.shifted(value, shift, MODES[mode], bits)


def grow_case(rng: random.Random) -> Case:
    value, left = spread(rng), rng.randint(0, 80)
    exact = max(-(1 << 62), min(1 << 62, value << left))
    return (value, left), int(kernel_scalar.shift_round(*of(value, -left, 0, 0))), exact


def divide_round_case(rng: random.Random) -> Case:
    value, by = spread(rng, 61), max(1, abs(spread(rng, 61)))
    return (value, by), int(kernel_scalar.divide_round(*of(value, by))), scalar.divided(value, by)


def isqrt_case(rng: random.Random) -> Case:
    root = abs(spread(rng, 31))
    value = max(0, min((1 << 62) - 1, root * root + rng.choice((-1, 0, 1, root))))
    return (value,), int(kernel_scalar.isqrt(*of(value))), math.isqrt(value)


def normalise_case(rng: random.Random) -> Case:
    value, exponent = spread(rng), rng.randint(-80, 80)
    ours = tuple(int(v) for v in kernel_scalar.normalise(*of(value, exponent)))
    return (value, exponent), ours, scalar.floating(value, exponent)


def sqrt_ratio_case(rng: random.Random) -> Case:
    """Equal to the oracle's integers, and within the stated 2**-15 of the real root."""
    num, den = max(1, abs(spread(rng))), max(1, abs(spread(rng)))
    ours = tuple(int(v) for v in kernel_scalar.sqrt_ratio(*of(num, den)))
    close = abs(scalar.squared_error(*ours, num, den)) < 2 / 2**15
    return (num, den), (ours, close), (norm.root_ratio(num, den), True)


def bit_length_case(rng: random.Random) -> Case:
    value = abs(spread(rng))
    return (value,), int(kernel_scalar.bit_length(*of(value))), value.bit_length()


def hash32_case(rng: random.Random) -> Case:
    value = rng.getrandbits(32)
    return (value,), int(kernel_scalar.hash32(*of(value))), scalar.mix32(value)


def random_bits_case(rng: random.Random) -> Case:
    key, index = rng.getrandbits(32), rng.getrandbits(rng.randint(1, 40))
    return (key, index), int(kernel_scalar.random_bits(*of(key, index))), scalar.draw32(key, index)


def wrap_case(rng: random.Random) -> Case:
    value, bits = spread(rng), rng.randint(2, 48)
    return (value, bits), int(kernel_scalar.wrap(*of(value, bits))), scalar.wrapped(value, bits)


def clamp_case(rng: random.Random) -> Case:
    value, bits = spread(rng), rng.randint(2, 48)
    half = 1 << (bits - 1)
    return (value, bits), int(kernel_scalar.clamp(*of(value, -half, half - 1))), scalar.saturated(value, bits)


def stream_key_case(rng: random.Random) -> Case:
    args = rng.getrandbits(32), rng.getrandbits(20), rng.getrandbits(32)
    return args, int(kernel_update.stream_key(*of(*args))), scalar.stream(*args)


def apply_update_case(rng: random.Random) -> Case:
    bits, mode, key = rng.choice((8, 16, 32)), rng.randrange(4), rng.getrandbits(32)
    step, rate, shift = spread(rng, 31), rng.randrange(1 << 14, 1 << 15), rng.randint(-30, 62)
    old = rng.randrange(-(1 << (bits - 1)), 1 << (bits - 1))
    master = np.array([old], np.int64)
    done = kernel_update.apply_update(np.array([step], np.int64), *of(rate, shift, 0, mode, key, bits), master)
    want = update.descend(step, rate, shift, bits, MODES[mode], old, scalar.draw32(key, 0))
    ours = (int(master[0]), *(int(v) for v in done[:1]), *(int(v) for v in done[1:3]))
    return (step, rate, shift, bits, MODES[mode], key, old), ours, want


def add_aligned_case(rng: random.Random) -> Case:
    """Two gradients at the scale of their sum, and the mean of one to forty."""
    bits, parts = rng.choice((16, 32, 48)), rng.randint(1, 40)
    codes = [max(1 - (1 << (bits - 1)), spread(rng, bits - 1)) for _ in range(2)]
    fracs = [rng.randint(-20, 60) for _ in codes]
    values = [Value(np.array([code], np.int64), frac) for code, frac in zip(codes, fracs, strict=True)]
    frac, (factor, shift, more), out = common_frac(*values, bits), share_of(parts), np.empty(1, np.int64)
    shifts = [own - frac for own in fracs]
    kernel_accumulate.add_aligned(values[0].codes, shifts[0], values[1].codes, shifts[1], factor, shift, out)
    (a, b), (a_frac, b_frac) = codes, fracs
    common = accumulate.common([a], a_frac, [b], b_frac, bits)
    want, want_frac = accumulate.mean(accumulate.added([a], a_frac, [b], b_frac, common), common, parts)
    return (bits, parts, codes, fracs), (int(out[0]), frac + more), (want[0], want_frac)


def second_moment_case(rng: random.Random) -> Case:
    """Adam's second moment at its new scale."""
    old, old_frac = abs(spread(rng, 31)), 2 * rng.randint(-30, 60)
    gradient, frac = spread(rng, 47), rng.randint(-20, 70)
    new, cut = second_frac(old, old_frac, abs(gradient), frac, 32), max(0, abs(gradient).bit_length() - 30)
    wide, shifts = np.empty(1, np.int64), (old_frac - new, 2 * (frac - cut) - new - 24)
    codes = np.array([gradient], np.int64), np.array([old], np.int64)
    kernel_adam.second_moment_wide(codes[0], cut, codes[1], BETA2_CODE, *shifts, wide)
    scale = adam.second_scale([old], old_frac, [gradient], frac, 32)
    want = adam.second_moment(old, old_frac, gradient, frac, cut=cut, frac=scale)
    return (old, old_frac, gradient, frac), (int(wide[0]), new), (want, scale)


def quotient_case(rng: random.Random) -> Case:
    """First over the root of the second moment."""
    args = spread(rng, 31), abs(spread(rng, 31)), rng.randint(15, 29), abs(spread(rng, 60))
    out = np.empty(1, np.int64)
    kernel_adam.quotients(*(np.array([code], np.int64) for code in args[:2]), *of(*args[2:]), out)
    return args, int(out[0]), adam.quotient(*args)


SINGLES: dict[str, Callable[[random.Random], Case]] = {
    "shift_round": shift_round_case,
    "shift_round, growing": grow_case,
    "divide_round": divide_round_case,
    "isqrt": isqrt_case,
    "normalise": normalise_case,
    "sqrt_ratio": sqrt_ratio_case,
    "bit_length": bit_length_case,
    "hash32": hash32_case,
    "random_bits": random_bits_case,
    "wrap": wrap_case,
    "clamp": clamp_case,
    "stream_key": stream_key_case,
    "apply_update": apply_update_case,
    "add_aligned": add_aligned_case,
    "second_moment": second_moment_case,
    "quotient": quotient_case,
}


def run(name: str, cases: Iterator[Case]) -> int:
    """Print one line; returns the mismatches."""
    start, count, wrong, first = time.perf_counter(), 0, 0, ""
    for arguments, ours, theirs in cases:
        count += 1
        if ours != theirs:
            wrong += 1
            first = first or f"  {arguments}: {ours}, exactly {theirs}"
    print(f"{name:<22} {count:>9} {wrong:>10} {time.perf_counter() - start:>8.1f}{first}", flush=True)
    return wrong


def main() -> int:
    """Every operation in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000, help="cases of each operation")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print(f"{'operation':<22} {'cases':>9} {'mismatches':>10} {'seconds':>8}")
    wrong = run("requantise", requantise_cases(random.Random(args.seed), args.cases))
    for name, case in SINGLES.items():
        rng = random.Random(f"{args.seed} {name}")
        wrong += run(name, (case(rng) for _ in range(args.cases)))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
