"""Our mapper and ZigZag's on one machine: energy of the products and of the memories on chip, bytes of DRAM.

    python3 -m venv zz && zz/bin/pip install zigzag-dse six
    python scripts/reproduce/beside_zigzag.py --zigzag-python zz/bin/python [--write docs/zigzag.md]

Seven forward products, batch 8, each by itself, chosen for energy by both. The machine is the default chip: array,
accumulators, scratchpad and DRAM, or for a depthwise convolution its lanes; ZigZag (Mei et al., IEEE Trans. Computers
2021) is told our prices, so that a difference is one of events. Its DRAM moves words at a price each, so ours has
bursts of a word and long rows here, and mappings are chosen without powers over time.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lls_hw.models.program.lower import lower
from lls_hw.models.program.ops.products import DepthwiseConv, Product
from lls_hw.models.program.program import Program
from lls_hw.models.registry import load, load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.cost.energy import explain_energy
from lls_hw.sim.cost.energy_lines import PriceLine, price_list
from lls_hw.sim.event.engine import run_events
from lls_hw.sim.mapping.objective import objective_on
from scripts.reproduce.pages import write_between
from scripts.reproduce.zigzag_figures import Pair, Side, causes, energies, theirs, traffic, words

LAYERS = (
    ("vww_cnn", "conv1"),
    ("vww_cnn", "block2.dw"),
    ("vww_cnn", "block2.pw"),
    ("vww_cnn", "block8.pw"),
    ("vgg8", "conv2"),
    ("vgg8", "conv6"),
    ("vgg8", "linear7"),
)
BATCH = 8
OUT_BITS, SUM_BITS = 16, 32
DRIVER = Path(__file__).with_name("beside_zigzag_driver.py")


def product_alone(net: str, layer: str) -> Program:
    """A program of one forward product, its operands in DRAM."""
    whole = lower(load_network(net), parse_rule("inference"), batch=BATCH)
    (op,) = (op for op in whole.ops if isinstance(op, Product) and op.layer == layer)
    return Program(
        network=whole.network, rule=whole.rule, precision=whole.precision, optimizer=whole.optimizer, batch=BATCH,
        ops=(op,), tensors={name: whole.tensors[name] for name in (*op.reads, *op.writes)},
    )  # fmt: skip


def machine_of(chip: AcceleratorSpec, technology: TechnologySpec) -> dict[str, Any]:
    """The chip in ZigZag's terms, with our prices."""
    lines = price_list(chip, Precision(), technology, "typical")
    pj = prices_pj(lines)
    word = chip.scratchpad.word_bits
    sums = chip.accumulators
    if sums is None:
        raise SystemExit(f"{chip.name} has no accumulators: ZigZag's machine of this comparison has them")
    return {
        "rows": chip.array.rows, "cols": chip.array.cols, "lanes": chip.vector.lanes,
        "mac_pj": mac_pj(lines), "lane_mac_pj": pj["vector_macs"],
        "pad": {
            "capacity_bytes": chip.scratchpad.capacity_bytes, "word_bits": word,
            "read_pj": pj["scratchpad_read_words"], "write_pj": pj["scratchpad_write_words"],
        },
        "sums": {
            "entries": sums.entries, "word_bits": sums.bits(SUM_BITS),
            "read_pj": pj["accumulator_reads"], "write_pj": pj["accumulator_writes"],
        },
        "dram": {
            "word_bits": word,
            "read_pj": pj["dram_read_bytes"] * word / 8, "write_pj": pj["dram_write_bytes"] * word / 8,
        },
    }  # fmt: skip


def prices_pj(lines: Sequence[PriceLine]) -> dict[str, float]:
    """Price of each counted event, the wires of a word and the PHY of a byte included."""
    found: dict[str, float] = {}
    for line in lines:
        found[line.counted] = found.get(line.counted, 0.0) + line.unit_pj
    return found


def mac_pj(lines: Sequence[PriceLine]) -> float:
    """A forward multiply-accumulate, its registers left out: ZigZag's element has none."""
    (found,) = (line.unit_pj for line in lines if line.counted == "macs_weight_activation")
    return found


def layer_of(program: Program) -> dict[str, Any]:
    """The product in ZigZag's terms."""
    (op,) = program.ops
    assert isinstance(op, Product), f"{op} is no product"
    s = op.shape
    return {
        "name": s.name, "batch": BATCH, "in": s.in_c, "out": s.out_c, "kernel": s.kernel_h, "stride": s.stride,
        "padding": s.padding, "in_rows": s.in_h, "in_cols": s.in_w, "out_rows": s.out_h, "out_cols": s.out_w,
        "out_bits": OUT_BITS, "depthwise": isinstance(op, DepthwiseConv),
    }  # fmt: skip


def ours(program: Program, chip: AcceleratorSpec, technology: TechnologySpec) -> Side:
    """Our event engine's figures, the mapping chosen for energy."""
    wanted = replace(objective_on("energy", chip, Precision(), technology), cycle_pj=0.0)
    found = run_events(program, chip, objective=wanted)
    counts = found.counts
    rows = explain_energy(counts, cycles=found.cycles, chip=chip, precision=Precision(), technology=technology)
    (op,), (run,) = program.ops, found.ops
    assert isinstance(op, Product), f"{op} is no product"
    moved = {**run.dram_read_bytes, **run.dram_write_bytes}
    return Side(
        mac_pj=sum(row.total_pj for row in rows if row.event.startswith(("MAC weight", "narrow MAC"))),
        sram_pj=sum(row.total_pj for row in rows if row.part == "sram"),
        operand_bytes={name: sum(moved.get(tensor, 0) for tensor in tensors) for name, tensors in operands(op).items()},
        pad_read_words=counts.scratchpad_read_words,
        pad_write_words=counts.scratchpad_write_words,
        sum_reads=counts.accumulator_reads,
        sum_writes=counts.accumulator_writes,
    )


def operands(op: Product) -> dict[str, tuple[str, ...]]:
    """Tensors of a forward product by ZigZag's operands."""
    weights = tuple(name for name in (op.weight, op.bias) if name is not None)
    return {"weights": weights, "inputs": (op.source,) if op.source else (), "outputs": (op.out,)}


def once_bytes(program: Program) -> dict[str, int]:
    """Bytes of the operands: what must move at least, the bias (which ZigZag has not) left out."""
    (op,) = program.ops
    assert isinstance(op, Product), f"{op} is no product"
    return {
        name: sum(program.tensors[tensor].size_bytes for tensor in tensors if tensor != op.bias)
        for name, tensors in operands(op).items()
    }


def ask(python: str, machine: dict[str, Any], layers: list[dict[str, Any]], lpf_limit: int) -> dict[str, Any]:
    """ZigZag's answers; it runs in a Python of its own."""
    request = json.dumps({"machine": machine, "layers": layers, "lpf_limit": lpf_limit})
    try:
        done = subprocess.run([python, str(DRIVER)], input=request, capture_output=True, text=True, check=False)
    except OSError as error:
        raise SystemExit(f"--zigzag-python = {python}: it cannot be started ({error.strerror}).") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        need = f"ZigZag did not answer ({last}). Run `pip install zigzag-dse six` there, Python 3.11 or newer."
        raise SystemExit(f"--zigzag-python = {python}: {need}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def page(pairs: Sequence[Pair], machine: dict[str, Any], versions: dict[str, str], lpf_limit: int) -> str:
    """All tables, and the versions that made them."""
    made = ", ".join(f"{name} {found}" for name, found in versions.items())
    prices = {
        "pad_read_words": machine["pad"]["read_pj"], "pad_write_words": machine["pad"]["write_pj"],
        "sum_reads": machine["sums"]["read_pj"], "sum_writes": machine["sums"]["write_pj"],
    }  # fmt: skip
    parts = (energies(pairs), words(pairs), causes(pairs, prices), traffic(pairs))
    made = f"Made with {made}; loop prime factors limited to {lpf_limit}."
    return "\n\n".join((made, *("\n".join(part) for part in parts)))


def main() -> int:
    """Print the tables, or write them between the marks of a page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--zigzag-python", required=True, help="a Python with zigzag-dse")
    parser.add_argument("--chip", default="edge_16x16")
    parser.add_argument("--lpf-limit", type=int, default=6, help="loop prime factors of ZigZag's search")
    parser.add_argument("--write", type=Path, help="a page with <!-- zigzag --> marks")
    args = parser.parse_args()
    chip = load("chips", args.chip, AcceleratorSpec, "--chip")
    chip = chip.changed("dram", burst_bytes=chip.scratchpad.word_bits // 8, row_bytes=1 << 20)
    technology = load("technology", chip.technology, TechnologySpec, "--technology")
    programs = [product_alone(*layer) for layer in LAYERS]
    layers = [layer_of(program) for program in programs]
    machine = machine_of(chip, technology)
    answer = ask(args.zigzag_python, machine, layers, args.lpf_limit)
    word = chip.scratchpad.word_bits
    pairs = [
        Pair(
            name=f"{net} {layer}",
            other=theirs(found, word, sums_in_lanes=told["depthwise"]),
            mine=ours(program, chip, technology),
            once_bytes=once_bytes(program),
        )
        for (net, layer), found, told, program in zip(LAYERS, answer["layers"], layers, programs, strict=True)
    ]
    text = page(pairs, machine, {"lls-hw": version("lls-hw"), **answer["versions"]}, args.lpf_limit)
    if args.write is None:
        print(text)
        return 0
    write_between(args.write, "zigzag", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
