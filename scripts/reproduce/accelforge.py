"""Our fused schedules and AccelForge's optimum: words that cross the pins for chains of layers without barriers.

    python3.12 -m venv af && af/bin/pip install accelforge
    python scripts/reproduce/accelforge.py --accelforge-python af/bin/python [--write docs/accelforge.md]

Forward products, batch 1, 8-bit words, each chain with five scratchpads. AccelForge (Fast and Fusiest Mapper) knows no
double buffers, so the scratchpad of our chip has none; a column beside it has them. Our DRAM has bursts of a word.
Seconds are those of one process; AccelForge's one search of a chain gives all its scratchpads.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lls_hw.models.program.builder import Builder
from lls_hw.models.program.program import Program
from lls_hw.models.registry import load, load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.geometry import WeightedLayer
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.rule import OptimizerSpec
from lls_hw.sim.event.engine import ScheduleRun, run_best
from lls_hw.sim.mapping.objective import FEWEST_BYTES
from lls_hw.sim.schedule.bound import compulsory_bytes
from lls_hw.sim.schedule.explain import schedule_text
from scripts.reproduce.accelforge_figures import Least, Row, Side, mappings, page, words_table

DRIVER = Path(__file__).with_name("accelforge_driver.py")
LARGEST_BYTES = 1 << 17
"""A scratchpad that holds every chain."""


@dataclass(frozen=True)
class Chain:
    """Square maps through convolutions of stride 1.

    Attributes
    ----------
    rows, channels : of the first map.
    layers : (kernel, padding, output channels) each.
    kib : scratchpads.
    """

    name: str
    rows: int
    channels: int
    layers: tuple[tuple[int, int, int], ...]
    kib: tuple[float, ...]

    @property
    def capacities_bytes(self) -> tuple[int, ...]:
        """Scratchpads."""
        return tuple(round(1024 * size) for size in self.kib)

    @property
    def text(self) -> str:
        """Maps and layers: `16x16x64 - 1x1 16 - ...`."""
        steps = (f"{k}x{k}{' padded' if padding else ''} {out}" for k, padding, out in self.layers)
        return " - ".join((f"{self.rows}x{self.rows}x{self.channels}", *steps))

    @property
    def shapes(self) -> tuple[WeightedLayer, ...]:
        """Every layer."""
        made, rows, channels = [], self.rows, self.channels
        for number, (kernel, padding, out) in enumerate(self.layers, 1):
            name, after = f"L{number}", rows + 2 * padding - kernel + 1
            made.append(WeightedLayer(
                name=name, block=name, kind="conv", in_h=rows, in_w=rows, in_c=channels, out_h=after, out_w=after,
                out_c=out, kernel_h=kernel, kernel_w=kernel, stride=1, padding=padding, bias=False, batch_norm=False,
                negative_slope=0.0, local=None,
            ))  # fmt: skip
            rows, channels = after, out
        return tuple(made)


CHAINS = (
    Chain("pw2", 16, 16, ((1, 0, 64), (1, 0, 16)), (0.5, 2, 4, 8, 32)),
    Chain("conv_pw", 18, 16, ((3, 0, 32), (1, 0, 32)), (1, 4, 6, 8, 32)),
    Chain("padded_pw", 16, 16, ((3, 1, 32), (1, 0, 32)), (1, 4, 6, 8, 32)),
    Chain("conv_conv", 16, 8, ((3, 0, 16), (3, 0, 16)), (0.5, 2, 4, 6, 16)),
    Chain("pw3", 16, 32, ((1, 0, 64), (1, 0, 64), (1, 0, 32)), (1, 4, 8, 16, 64)),
    Chain("bottleneck", 10, 64, ((1, 0, 16), (3, 0, 16), (1, 0, 64)), (0.5, 2, 4, 6, 32)),
    Chain("pw4", 16, 16, ((1, 0, 32), (1, 0, 64), (1, 0, 32), (1, 0, 16)), (1, 4, 8, 16, 64)),
    Chain("linear4", 1, 256, ((1, 0, 256), (1, 0, 128), (1, 0, 128), (1, 0, 64)), (0.5, 1, 4, 16, 128)),
    Chain("mixed4", 10, 16, ((1, 0, 32), (3, 0, 32), (1, 0, 64), (1, 0, 16)), (1, 4, 8, 12, 32)),
)
"""Chains of two to four layers, from a scratchpad that hardly holds a tile to one that holds all tensors."""


def program_of(chain: Chain) -> Program:
    """The products alone: layer n takes map T(n-1), and its map Tn has 8 bits as everything has."""
    builder = Builder(load_network("smallconv"), parse_rule("inference"), Precision(), OptimizerSpec(), batch=1)
    bits = builder.precision.activation_bits
    source = builder.tensor("T0", (1, chain.rows, chain.rows, chain.channels), bits, "input")
    for number, layer in enumerate(chain.shapes, 1):
        shape, last = (1, layer.out_h, layer.out_w, layer.out_c), number == len(chain.layers)
        out = builder.tensor(f"T{number}", shape, bits, "activation", kept=last)
        weight = builder.tensor(f"W{number}", layer.weight_shape, builder.precision.weight_bits, "weight", kept=True)
        builder.product(layer, "forward", source=source, weight=weight, out=out)
        source = out
    return builder.program()


def ours(program: Program, chip: AcceleratorSpec) -> Side | None:
    """The best schedule for bytes, or op by op; None where the scratchpad is too small for a layer by itself."""
    try:
        runs = [
            run_best(program, chip, FEWEST_BYTES, name, trace=False, batched=True) for name in ("op", "best")
        ]  # fmt: skip
    except SpecError:
        return None
    return min((_side(program, run) for run in runs), key=lambda side: side.words)


def _side(program: Program, run: ScheduleRun) -> Side:
    """Words of a run. A group does not store a map that no later op reads; the last one's store is added here."""
    moved: dict[str, int] = {}
    for op in run.result.ops:
        for way, tensors in (("read", op.dram_read_bytes), ("write", op.dram_write_bytes)):
            for name, size in tensors.items():
                moved[f"{name} {way}"] = moved.get(f"{name} {way}", 0) + size
    out = program.output
    moved.setdefault(f"{out} write", program.tensors[out].size_bytes)
    plans = [op.plan.note for op in run.schedule.ops]
    how = "\n".join((schedule_text(program, run.result.groups), *plans))
    return Side(words=sum(moved.values()), moved=moved, how=how)


def layers_of(chain: Chain) -> list[dict[str, int]]:
    """The chain in the driver's terms."""
    return [{"kernel": s.kernel_h, "rows": s.out_h, "in": s.in_c, "out": s.out_c} for s in chain.shapes]


def ask(python: str, chain: Chain, *, finished: bool) -> dict[str, Any]:
    """AccelForge's answer, where only finished sums leave the chip or any; it runs in a Python of its own."""
    asked = {"layers": layers_of(chain), "capacities_bytes": chain.capacities_bytes, "finished": finished}
    request = json.dumps(asked)
    try:
        done = subprocess.run([python, "-P", str(DRIVER)], input=request, capture_output=True, text=True, check=False)
    except OSError as error:
        refuse(python, f"it cannot be started ({error.strerror}).")
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        refuse(python, f"AccelForge did not answer ({last}). Run `pip install accelforge` there, Python 3.12 or newer.")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def refuse(python: str, why: str) -> NoReturn:
    """End with status 2."""
    print(f"--accelforge-python = {python}: {why}", file=sys.stderr)
    raise SystemExit(2)


def compare(chain: Chain, free: Mapping[str, Any], other: Mapping[str, Any], chip: AcceleratorSpec) -> list[Row]:
    """Both tools' answers, a scratchpad a row."""
    program, rows = program_of(chain), []
    for size, any_sums, finished in zip(chain.capacities_bytes, free["rows"], other["rows"], strict=True):
        begun = time.perf_counter()
        mine = ours(program, sized(chip, size))
        seconds = time.perf_counter() - begun
        rows.append(Row(
            chain=chain.name, capacity_bytes=size, once_words=compulsory_bytes(program), free=theirs(any_sums),
            other=theirs(finished), mine=mine, doubled=ours(program, sized(chip, size, doubled=True)),
            other_seconds=other["seconds"], mine_seconds=seconds,
        ))  # fmt: skip
    return rows


def theirs(found: Mapping[str, Any] | None) -> Side | None:
    """AccelForge's answer for one scratchpad."""
    return found and Side(words=found["words"], moved=found["moved"], how="\n".join(found["mapping"]))


def sized(chip: AcceleratorSpec, size_bytes: int, *, doubled: bool = False) -> AcceleratorSpec:
    """The chip with another scratchpad."""
    return chip.changed("scratchpad", capacity_bytes=size_bytes, double_buffered=doubled)


def least(chain: Chain, curve: Sequence[tuple[int, int]], chip: AcceleratorSpec) -> Least:
    """Smallest scratchpads in which every tensor moves once: of AccelForge's curve of (bytes, words), and of ours."""
    program = program_of(chain)
    once = compulsory_bytes(program)

    def bisected(*, doubled: bool) -> int:
        low, high = 0, LARGEST_BYTES
        while high - low > 1:
            middle = (low + high) // 2
            side = ours(program, sized(chip, middle, doubled=doubled))
            low, high = (low, middle) if side is not None and side.words == once else (middle, high)
        return high

    first, *layers = chain.shapes[0], *chain.shapes
    rows = first.kernel_h * first.in_w * first.in_c
    for layer, after in zip(layers, [*layers[1:], None], strict=True):
        rows += (after.kernel_h if after else 1) * layer.out_w * layer.out_c
    return Least(
        chain=chain.name, other=min((size for size, words in curve if words == once), default=None),
        mine=bisected(doubled=False), doubled=bisected(doubled=True),
        weights=sum(t.size_bytes for t in program.tensors.values() if t.role == "weight"), rows=rows,
    )  # fmt: skip


def main() -> int:
    """Print the tables, or write them between the marks of a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accelforge-python", required=True, help="a Python with accelforge")
    parser.add_argument("--chip", default="edge_16x16")
    parser.add_argument("--chains", default=",".join(chain.name for chain in CHAINS), help="some of them")
    parser.add_argument("--mappings", type=Path, help="a file for the mappings of all rows")
    parser.add_argument("--write", type=Path, help="a page with <!-- accelforge --> marks")
    args = parser.parse_args()
    chip = load("chips", args.chip, AcceleratorSpec, "--chip").changed("dram", burst_bytes=1, row_bytes=1 << 20)
    chains = [chain for chain in CHAINS if chain.name in args.chains.split(",")]
    rows: list[Row] = []
    leasts: list[Least] = []
    versions = {"lls-hw": version("lls-hw")}
    for chain in chains:
        free, other = (ask(args.accelforge_python, chain, finished=finished) for finished in (False, True))
        versions.update(other["versions"])
        rows += compare(chain, free, other, chip)
        leasts.append(least(chain, other["curve"], chip))
        print("\n".join(words_table(rows)[-len(chain.kib) :]), file=sys.stderr, flush=True)
    if args.mappings is not None:
        args.mappings.write_text(mappings(rows) + "\n")
    text = page({chain.name: chain.text for chain in chains}, rows, leasts, versions)
    if args.write is None:
        print(text)
        return 0
    head, _, rest = args.write.read_text().partition("<!-- accelforge -->")
    tail = rest.partition("<!-- end accelforge -->")[2]
    args.write.write_text(f"{head}<!-- accelforge -->\n\n{text}\n\n<!-- end accelforge -->{tail}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
