"""Our mapper and ZigZag's on one machine: energy of the products and of the memories on chip, bytes of DRAM.

    python3 -m venv zz && zz/bin/pip install zigzag-dse six
    python scripts/reproduce/beside_zigzag.py --zigzag-python zz/bin/python [--write docs/zigzag.md]

Five forward products, batch 8, each by itself, chosen for energy by both. The machine is the default chip: array,
accumulators, scratchpad and DRAM; ZigZag (Mei et al., IEEE Trans. Computers 2021) is told our prices, so that a
difference is one of events. Its DRAM moves words at a price each, so ours has bursts of a word and long rows here, and
mappings are chosen without powers over time.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from lls_hw.models.program.lower import lower
from lls_hw.models.program.ops.products import Gemm
from lls_hw.models.program.program import Program
from lls_hw.models.registry import load, load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.cost.energy import explain_energy
from lls_hw.sim.cost.energy_lines import price_list
from lls_hw.sim.event.engine import run_events
from lls_hw.sim.mapping.objective import objective_on

LAYERS = (
    ("vww_cnn", "conv1"),
    ("vww_cnn", "block2.pw"),
    ("vww_cnn", "block8.pw"),
    ("vgg8", "conv2"),
    ("vgg8", "conv6"),
)
BATCH = 8
OUT_BITS, SUM_BITS = 16, 32
MARGIN = 0.10
DRIVER = Path(__file__).with_name("beside_zigzag_driver.py")


@dataclass(frozen=True, kw_only=True)
class Side:
    """One tool's figures of a layer: energies in pJ, words of the scratchpad, entries of the accumulators, bytes."""

    mac_pj: float
    sram_pj: float
    dram_bytes: int
    pad_read_words: int
    pad_write_words: int
    sum_reads: int
    sum_writes: int


def product_alone(net: str, layer: str) -> Program:
    """A program of one forward product, its operands in DRAM."""
    whole = lower(load_network(net), parse_rule("inference"), batch=BATCH)
    (op,) = (op for op in whole.ops if isinstance(op, Gemm) and op.layer == layer)
    return Program(
        network=whole.network, rule=whole.rule, precision=whole.precision, optimizer=whole.optimizer, batch=BATCH,
        ops=(op,), tensors={name: whole.tensors[name] for name in (*op.reads, *op.writes)},
    )  # fmt: skip


def machine_of(chip: AcceleratorSpec, technology: TechnologySpec) -> dict[str, Any]:
    """The chip in ZigZag's terms, with our prices."""
    lines = price_list(chip, Precision(), technology, "typical")

    def pj(counted: str) -> float:
        return sum(line.unit_pj for line in lines if line.counted == counted)

    word = chip.scratchpad.word_bits
    sums = chip.accumulators
    if sums is None:
        raise SystemExit(f"{chip.name} has no accumulators: ZigZag's machine of this comparison has them")
    return {
        "rows": chip.array.rows, "cols": chip.array.cols, "mac_pj": mac_pj(lines),
        "pad": {
            "capacity_bytes": chip.scratchpad.capacity_bytes, "word_bits": word,
            "read_pj": pj("scratchpad_read_words"), "write_pj": pj("scratchpad_write_words"),
        },
        "sums": {
            "entries": sums.entries, "word_bits": sums.bits(SUM_BITS),
            "read_pj": pj("accumulator_reads"), "write_pj": pj("accumulator_writes"),
        },
        "dram": {
            "word_bits": word,
            "read_pj": pj("dram_read_bytes") * word / 8, "write_pj": pj("dram_write_bytes") * word / 8,
        },
    }  # fmt: skip


def mac_pj(lines: Sequence[Any]) -> float:
    """A forward multiply-accumulate, its registers left out: ZigZag's element has none."""
    (found,) = (line.unit_pj for line in lines if line.event.startswith("MAC weight x activation"))
    return float(found)


def layer_of(program: Program) -> dict[str, Any]:
    """The product in ZigZag's terms."""
    (op,) = program.ops
    if not isinstance(op, Gemm):
        raise AssertionError(f"{op} is no product")
    s = op.shape
    return {
        "name": s.name, "batch": BATCH, "in": s.in_c, "out": s.out_c, "kernel": s.kernel_h, "stride": s.stride,
        "padding": s.padding, "in_rows": s.in_h, "in_cols": s.in_w, "out_rows": s.out_h, "out_cols": s.out_w,
        "out_bits": OUT_BITS,
    }  # fmt: skip


def ours(program: Program, chip: AcceleratorSpec, technology: TechnologySpec) -> Side:
    """Our event engine's figures, the mapping chosen for energy."""
    wanted = replace(objective_on("energy", chip, Precision(), technology), cycle_pj=0.0)
    found = run_events(program, chip, objective=wanted)
    counts = found.counts
    rows = explain_energy(counts, cycles=found.cycles, chip=chip, precision=Precision(), technology=technology)
    return Side(
        mac_pj=sum(row.total_pj for row in rows if row.event.startswith("MAC ")),
        sram_pj=sum(row.total_pj for row in rows if row.part == "sram"),
        dram_bytes=counts.dram_read_bytes + counts.dram_write_bytes,
        pad_read_words=counts.scratchpad_read_words,
        pad_write_words=counts.scratchpad_write_words,
        sum_reads=counts.accumulator_reads,
        sum_writes=counts.accumulator_writes,
    )


READS, WRITES = ("rd_out_to_low", "rd_out_to_high"), ("wr_in_by_low", "wr_in_by_high")


def theirs(answer: dict[str, Any], word_bits: int) -> Side:
    """ZigZag's figures. Memories of an operand stand from the array outwards; the last is DRAM, before it the pad."""
    words, energy = answer["words"], answer["memory_pj"]

    def number(operand: str, level: int, keys: tuple[str, ...]) -> int:
        return sum(words[operand][level][key] for key in keys)

    dram_words = sum(number(operand, -1, READS + WRITES) for operand in words)
    return Side(
        mac_pj=answer["mac_pj"],
        sram_pj=sum(energy[operand][-2] for operand in energy) + energy["O"][0],
        dram_bytes=dram_words * word_bits // 8,
        pad_read_words=sum(number(operand, -2, READS) for operand in words),
        pad_write_words=sum(number(operand, -2, WRITES) for operand in words),
        sum_reads=number("O", 0, READS),
        sum_writes=number("O", 0, WRITES),
    )


def ask(python: str, machine: dict[str, Any], layers: list[dict[str, Any]], lpf_limit: int) -> list[dict[str, Any]]:
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
    answers: list[dict[str, Any]] = json.loads(done.stdout)
    return answers


def table(found: Sequence[tuple[str, Side, Side]]) -> str:
    """Markdown: figures of both and ours over theirs; words behind them."""
    lines = [
        "| layer | MAC uJ, ZigZag | ours | | SRAM uJ, ZigZag | ours | | DRAM MB, ZigZag | ours | |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for name, other, mine in found:
        cells = [name]
        for figure, unit in (("mac_pj", 1e6), ("sram_pj", 1e6), ("dram_bytes", 1e6)):
            theirs_, ours_ = getattr(other, figure), getattr(mine, figure)
            ratio = ours_ / theirs_
            mark = "" if abs(ratio - 1) <= MARGIN else " *"
            cells += [f"{theirs_ / unit:.3f}", f"{ours_ / unit:.3f}", f"{ratio:.3f}{mark}"]
        lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "| layer | | scratchpad words read | written | accumulator entries read | written |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for name, *sides in found:
        for tool, side in zip(("ZigZag", "ours"), sides, strict=True):
            numbers = (side.pad_read_words, side.pad_write_words, side.sum_reads, side.sum_writes)
            lines.append(f"| {name} | {tool} | {' | '.join(f'{n:,}' for n in numbers)} |")
    return "\n".join(lines)


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
    answers = ask(args.zigzag_python, machine_of(chip, technology), [layer_of(p) for p in programs], args.lpf_limit)
    found = [
        (f"{net} {layer}", theirs(answer, chip.scratchpad.word_bits), ours(program, chip, technology))
        for (net, layer), answer, program in zip(LAYERS, answers, programs, strict=True)
    ]
    text = table(found)
    if args.write is None:
        print(text)
        return 0
    head, _, rest = args.write.read_text().partition("<!-- zigzag -->")
    tail = rest.partition("<!-- end zigzag -->")[2]
    args.write.write_text(f"{head}<!-- zigzag -->\n\n{text}\n\n<!-- end zigzag -->{tail}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
