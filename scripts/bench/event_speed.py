"""How long the event engine takes against tiles and against the tiles it steps through; docs/event-speed.svg.

python scripts/bench/event_speed.py [--write]
"""

import argparse
import math
import time
from pathlib import Path

from lls_hw.models.program.lower import lower
from lls_hw.models.program.program import Program
from lls_hw.models.registry import load, load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.event.engine import run_schedule
from lls_hw.sim.mapping.schedule import schedule_program

TARGET = Path(__file__).resolve().parents[2] / "docs" / "event-speed.svg"
CASES = [
    (net, side, rule, batch)
    for net, side in (("smallconv", 0), ("mlperf_tiny_vww", 0), ("vww_cnn", 0), ("vgg8", 0), ("vgg8", 128))
    for rule in ("inference", "bp", "lls_m")
    for batch in (1, 8, 32)
]
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 420, 70, 55, 40, 150


def program_of(net: str, side: int, rule: str, batch: int) -> Program:
    """One case."""
    network = load_network(net)
    return lower(network.resized((3, side, side), 2) if side else network, parse_rule(rule), batch=batch)


def measure() -> list[tuple[str, int, int, float]]:
    """(network, tiles, tiles stepped through, CPU seconds of the simulation alone)."""
    chip = load("chips", "edge_16x16", AcceleratorSpec, "--chip")
    found = []
    for net, side, rule, batch in CASES:
        schedule = schedule_program(program_of(net, side, rule, batch), chip)
        seconds = math.inf
        for _ in range(3):
            begun = time.process_time()
            result = run_schedule(schedule)
            seconds = min(seconds, time.process_time() - begun)
        found.append((f"{net} {side}" if side else net, result.tiles, result.simulated_tiles, seconds))
        case = f"{net:16} {side or '':4} {rule:10} {batch:3}"
        print(f"{case} {result.tiles:9,} {result.simulated_tiles:7,} {seconds:7.3f} s")
    return found


def picture(found: list[tuple[str, int, int, float]]) -> str:
    """Seconds against tiles stepped through, both logarithmic, with a line of constant time a tile."""
    xs, ys = [row[2] for row in found], [row[3] for row in found]
    x0, x1 = math.floor(math.log10(min(xs))), math.ceil(math.log10(max(xs)))
    y0, y1 = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)))

    def at(x: float, y: float) -> tuple[float, float]:
        across, up = (math.log10(x) - x0) / (x1 - x0), (math.log10(y) - y0) / (y1 - y0)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)

    def text(x: float, y: float, words: str, anchor: str = "middle", more: str = "") -> str:
        return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="#222"{more}>{words}</text>'

    def line(a: tuple[float, float], b: tuple[float, float], style: str) -> str:
        return f'<line x1="{a[0]:.0f}" y1="{a[1]:.0f}" x2="{b[0]:.0f}" y2="{b[1]:.0f}" {style}/>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12"><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        text(LEFT, 22, "Event engine: CPU time against distinct tile runs", "start", ' font-size="14"'),
    ]
    for power in range(x0, x1 + 1):
        foot = at(10.0**power, 10.0**y0)
        parts += [line(foot, at(10.0**power, 10.0**y1), 'stroke="#ddd"'), text(foot[0], foot[1] + 17, f"{10**power:,}")]
    for power in range(y0, y1 + 1):
        foot = at(10.0**x0, 10.0**power)
        parts += [line(foot, at(10.0**x1, 10.0**power), 'stroke="#ddd"')]
        parts += [text(foot[0] - 6, foot[1] + 4, f"{10.0**power:g} s", "end")]
    slope = sorted(y / x for x, y in zip(xs, ys, strict=True))[len(xs) // 2]
    ends = (max(10.0**x0, 10.0**y0 / slope), min(10.0**x1, 10.0**y1 / slope))
    low, high = (at(x, slope * x) for x in ends)
    parts.append(line(low, high, 'stroke="#222" stroke-dasharray="5 4"'))
    parts.append(text(WIDTH - RIGHT + 12, HEIGHT - 90, "- - constant", "start"))
    parts.append(text(WIDTH - RIGHT + 12, HEIGHT - 74, f"{slope * 1e6:.0f} us a tile", "start"))
    colours = dict(
        zip(dict.fromkeys(row[0] for row in found), ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#222"), strict=True)
    )
    for net, _, stepped, seconds in found:
        x, y = at(stepped, seconds)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colours[net]}" fill-opacity="0.8"/>')
    for index, (net, colour) in enumerate(colours.items()):
        y = TOP + 14 + 18 * index
        parts.append(f'<circle cx="{WIDTH - RIGHT + 18}" cy="{y - 4}" r="4" fill="{colour}"/>')
        parts.append(text(WIDTH - RIGHT + 28, y, net, "start"))
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(text(middle, HEIGHT - 14, "tiles stepped through (the others repeat an earlier state exactly)"))
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {TARGET.name}")
    measured = measure()
    if parser.parse_args().write:
        TARGET.write_text(picture(measured), encoding="utf-8")
