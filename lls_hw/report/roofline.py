"""The roofline picture: multiply-accumulates a cycle against multiply-accumulates a DRAM byte, as an SVG."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from lls_hw.costs.compare import Comparison
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.sim.event.result import StageResult

GROUPS = {
    "forward": ("forward",),
    "learning signal": ("loss", "local_error", "input_grad"),
    "weight gradient": ("weight_grad",),
}
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#999999")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 480, 70, 190, 40, 60


@dataclass(frozen=True, slots=True, kw_only=True)
class RooflinePoint:
    """A rule's stage group: products a DRAM byte, products a cycle.

    Cycles are the group's own, or the busy ones of the array or the DRAM bus if these are more: then it
    worked under another group's cycles.
    """

    rule: str
    group: str
    macs_per_byte: float
    macs_per_cycle: float


@dataclass(frozen=True, slots=True, kw_only=True)
class StageWork:
    """What a roofline needs to know of one (layer, stage), whoever counted it."""

    stage: str
    macs: int
    moved_bytes: int
    cycles: int
    array_busy_cycles: int = 0
    dram_busy_cycles: int = 0


def points_of(rule: str, works: Sequence[StageWork]) -> tuple[RooflinePoint, ...]:
    """A point for each group of stages that multiplies, moves bytes and has cycles of its own.

    Examples
    --------
    >>> points_of("bp", [StageWork(stage="forward", macs=800, moved_bytes=100, cycles=40)])
    (RooflinePoint(rule='bp', group='forward', macs_per_byte=8.0, macs_per_cycle=20.0),)
    """
    points = []
    for group, names in GROUPS.items():
        stages = [work for work in works if work.stage in names]
        macs, moved = sum(work.macs for work in stages), sum(work.moved_bytes for work in stages)
        busy = (sum(work.array_busy_cycles for work in stages), sum(work.dram_busy_cycles for work in stages))
        cycles = max(*busy, sum(work.cycles for work in stages))
        if min(macs, moved, cycles) > 0:
            points.append(
                RooflinePoint(rule=rule, group=group, macs_per_byte=macs / moved, macs_per_cycle=macs / cycles)
            )
    return tuple(points)


def _work(stage: StageResult) -> StageWork:
    return StageWork(
        stage=stage.stage,
        macs=stage.macs + stage.signal_macs,
        moved_bytes=stage.counts.dram_read_bytes + stage.counts.dram_write_bytes,
        cycles=stage.cycles,
        array_busy_cycles=stage.busy_cycles.get("array", 0),
        dram_busy_cycles=stage.busy_cycles.get("dram", 0),
    )


def roofline_points(comparison: Comparison) -> tuple[RooflinePoint, ...]:
    """A point for each rule and group of stages that multiplies, moves bytes and has cycles of its own."""
    points: list[RooflinePoint] = []
    for costs in comparison.costs:
        points += points_of(costs.rule, [_work(stage) for stage in costs.events.stages])
    return tuple(points)


class _Axes:
    """Logarithmic axes over whole decades."""

    def __init__(self, points: Sequence[RooflinePoint], chip: AcceleratorSpec) -> None:
        peak, speed = chip.array.rows * chip.array.cols, chip.dram.bytes_per_cycle
        xs = [point.macs_per_byte for point in points] + [peak / speed]
        ys = [point.macs_per_cycle for point in points] + [peak]
        self.x0, self.x1 = math.floor(math.log10(min(xs))), math.ceil(math.log10(max(xs)) + 0.2)
        self.y0, self.y1 = math.floor(math.log10(min(ys))), math.ceil(math.log10(max(ys)) + 0.1)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a point."""
        across = (math.log10(x) - self.x0) / (self.x1 - self.x0)
        up = (math.log10(y) - self.y0) / (self.y1 - self.y0)
        return LEFT + across * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM)


def roofline_svg(comparison: Comparison) -> str:
    """The picture; it needs no program but one that shows SVG."""
    run, points = comparison.runs[0], roofline_points(comparison)
    axes = _Axes(points, run.chip)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, 22, f"{run.network.name} on {run.chip.name}, batch {run.batch}: one training step", size=14),
        *_grid(axes),
        *_roofs(axes, run.chip),
        *_dots(axes, points),
        *_legend([costs.rule for costs in comparison.costs]),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _text(x: float, y: float, text: str, *, size: int = 12, anchor: str = "start", turn: str = "") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"'
    return f'<text {place} fill="#222"{turn}>{escape(text)}</text>'


def _line(a: tuple[float, float], b: tuple[float, float], style: str) -> str:
    return f'<line x1="{a[0]:.1f}" y1="{a[1]:.1f}" x2="{b[0]:.1f}" y2="{b[1]:.1f}" {style}/>'


def _grid(axes: _Axes) -> list[str]:
    grey, parts = 'stroke="#ddd"', []
    low_y, high_y, low_x, high_x = 10.0**axes.y0, 10.0**axes.y1, 10.0**axes.x0, 10.0**axes.x1
    for power in range(axes.x0, axes.x1 + 1):
        foot = axes.at(10.0**power, low_y)
        parts.append(_line(foot, axes.at(10.0**power, high_y), grey))
        parts.append(_text(foot[0], foot[1] + 16, f"{10.0**power:g}", anchor="middle"))
    for power in range(axes.y0, axes.y1 + 1):
        foot = axes.at(low_x, 10.0**power)
        parts.append(_line(foot, axes.at(high_x, 10.0**power), grey))
        parts.append(_text(foot[0] - 6, foot[1] + 4, f"{10.0**power:g}", anchor="end"))
    middle = axes.at(math.sqrt(low_x * high_x), math.sqrt(low_y * high_y))
    parts.append(_text(middle[0], HEIGHT - 18, "multiply-accumulates per DRAM byte", anchor="middle"))
    turn = f' transform="rotate(-90 18 {middle[1]:.1f})"'
    parts.append(_text(18, middle[1], "multiply-accumulates per cycle", anchor="middle", turn=turn))
    return parts


def _roofs(axes: _Axes, chip: AcceleratorSpec) -> list[str]:
    """The array's peak, the vector unit's, and the line that DRAM bandwidth draws."""
    peak, lanes, speed = chip.array.rows * chip.array.cols, chip.vector.lanes, chip.dram.bytes_per_cycle
    ridge, high_x = peak / speed, 10.0**axes.x1
    start = max(10.0**axes.x0, 10.0**axes.y0 / speed)
    solid, dashed = 'stroke="#222" stroke-width="1.5"', 'stroke="#888" stroke-dasharray="5 4"'
    parts = [_line(axes.at(start, start * speed), axes.at(ridge, peak), solid)]
    parts.append(_line(axes.at(ridge, peak), axes.at(high_x, peak), solid))
    end = axes.at(high_x, peak)
    parts.append(_text(end[0] - 4, end[1] - 6, f"array {chip.array.rows}x{chip.array.cols}: {peak}", anchor="end"))
    begin = axes.at(start, start * speed)
    parts.append(_text(begin[0] + 36, begin[1] - 8, f"DRAM {speed} B/cycle"))
    if lanes >= 10.0**axes.y0:
        parts.append(_line(axes.at(lanes / speed, lanes), axes.at(high_x, lanes), dashed))
        end = axes.at(high_x, lanes)
        parts.append(_text(end[0] - 4, end[1] - 6, f"vector unit: {lanes}", anchor="end"))
    return parts


def _mark(group: str, x: float, y: float, colour: str, scale: float = 1.0) -> str:
    """Circle, diamond or square by stage group; later rules are drawn smaller, over earlier ones."""
    if group == "forward":
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{5 * scale:.1f}" fill="{colour}" fill-opacity="0.8"/>'
    size, turn = (
        (10.0 * scale, f' transform="rotate(45 {x:.1f} {y:.1f})"') if group == "learning signal" else (9.0 * scale, "")
    )
    half = size / 2
    return (
        f'<rect x="{x - half:.1f}" y="{y - half:.1f}" width="{size:.1f}" height="{size:.1f}" '
        f'fill="{colour}" fill-opacity="0.8"{turn}/>'
    )


def _dots(axes: _Axes, points: Sequence[RooflinePoint]) -> list[str]:
    rules = list(dict.fromkeys(point.rule for point in points))
    parts = []
    for point in points:
        x, y = axes.at(point.macs_per_byte, point.macs_per_cycle)
        index = rules.index(point.rule)
        mark = _mark(point.group, x, y, COLOURS[index % len(COLOURS)], max(0.5, 1.7 - 0.3 * index))
        note = f"{point.rule} {point.group}: {point.macs_per_byte:.3g} MAC/B, {point.macs_per_cycle:.3g} MAC/cycle"
        parts.append(f"<g><title>{escape(note)}</title>{mark}</g>")
    return parts


def _legend(rules: Sequence[str]) -> list[str]:
    x, y, parts = WIDTH - RIGHT + 18, TOP + 14, []
    for index, rule in enumerate(rules):
        parts.append(f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{COLOURS[index % len(COLOURS)]}"/>')
        parts.append(_text(x + 16, y, rule))
        y += 18
    y += 12
    for group in GROUPS:
        parts.append(_mark(group, x + 5, y - 4, "#666"))
        parts.append(_text(x + 16, y, group))
        y += 18
    return parts
