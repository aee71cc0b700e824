"""Laws every run of the event engine obeys (docs/design.md, laws), over random networks, rules and chips."""

import dataclasses
from collections import defaultdict

from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from lls_hw.models.program.lower import lower
from lls_hw.models.program.ops.products import Gemm
from lls_hw.models.program.program import Program
from lls_hw.models.registry import load
from lls_hw.models.rules.registry import parse_rule, rules
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.precision import parse_bits
from lls_hw.models.spec.rule import OptimizerSpec
from lls_hw.sim.cost.counts import Counts
from lls_hw.sim.event.engine import run_events, run_schedule
from lls_hw.sim.mapping.schedule import schedule_program

SETTINGS = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
RULES = tuple(rules())


@st.composite
def networks(draw):
    """Two to four layers on a small map, of every kind there is."""
    layers = []
    for index in range(draw(st.integers(1, 3))):
        kind = draw(st.sampled_from(["conv", "separable", "max_pool", "adaptive_avg_pool"]))
        if kind == "max_pool":
            layers.append({"kind": kind, "size": draw(st.sampled_from([1, 2]))})
        elif kind == "adaptive_avg_pool":
            layers.append({"kind": kind, "size": draw(st.integers(1, 5))})
        else:
            kernel = draw(st.sampled_from([1, 3]))
            layers.append(
                {
                    "kind": kind,
                    "name": f"block{index}",
                    "out_channels": draw(st.integers(1, 40)),
                    "kernel": kernel,
                    "stride": draw(st.integers(1, 2)),
                    "padding": kernel // 2,
                    "pool": draw(st.integers(1, 4)),
                }
            )
    if draw(st.booleans()):
        layers.append(
            {"kind": "linear", "name": "fc", "out_features": draw(st.integers(2, 70)), "pool": draw(st.integers(1, 90))}
        )
    shape = [draw(st.integers(1, 5)), draw(st.integers(8, 20)), draw(st.integers(8, 20))]
    return NetworkSpec.from_mapping(
        {"name": "random", "input": shape, "classes": draw(st.integers(2, 12)), "layers": layers}, "random"
    )


@st.composite
def chips(draw):
    base = load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip")
    chip = base.changed(
        "array",
        rows=draw(st.integers(1, 20)),
        cols=draw(st.integers(1, 20)),
        dataflow=draw(st.sampled_from(["ws", "os", "is"])),
        preload_hidden=draw(st.booleans()),
    )
    chip = chip.changed(
        "scratchpad",
        capacity_bytes=draw(st.integers(1 << 12, 1 << 18)),
        double_buffered=draw(st.booleans()),
        banks=draw(st.sampled_from([1, 2, 5, 16])),
    )
    chip = chip.changed(
        "dram",
        bytes_per_cycle=draw(st.integers(1, 32)),
        latency_cycles=draw(st.integers(0, 60)),
        burst_bytes=draw(st.sampled_from([1, 32, 64])),
        dma_queues=draw(st.sampled_from(["shared", "per_direction"])),
        power_down=draw(st.booleans()),
        self_refresh_after_cycles=draw(st.sampled_from([0, 1, 40, 300, 20_000])),
    )
    if draw(st.booleans()):
        entries = draw(st.one_of(st.integers(1, 80), st.integers(1, 3000)))
        chip = chip.changed("accumulators", entries=entries, word_bits=64)
    chip = chip.changed(
        "local", basis=draw(st.sampled_from(["generated", "sram", "dram"])), lanes=draw(st.integers(1, 16))
    )
    return AcceleratorSpec.from_mapping(
        {**chip.model_dump(), "depthwise_on": draw(st.sampled_from(["array", "vector"]))}, "chip"
    )


@st.composite
def cases(draw):
    rule, bits = draw(st.sampled_from(RULES)), draw(st.sampled_from(["8", "16", "w4,a5,e6"]))
    optimizer = OptimizerSpec(name=draw(st.sampled_from(["sgd", "momentum", "adam"])))
    spec = parse_rule(rule, waveform=draw(st.sampled_from(["square", "cosine"])))
    batch, accumulate = draw(st.integers(1, 6)), draw(st.integers(1, 3))
    try:
        whole = lower(draw(networks()), spec, parse_bits(bits), optimizer=optimizer, batch=batch, accumulate=accumulate)
    except SpecError:
        reject()  # a pooling larger than the map that strides have left
    program, chip = draw(st.sampled_from([part for part, _ in whole.micro_steps])), draw(chips())
    try:
        schedule_program(program, chip)
    except SpecError:
        reject()  # a scratchpad that cannot hold one tile
    return program, chip


@SETTINGS
@given(cases())
def test_run__skipping_identical_tiles_changes_no_number(case):
    """Every cycle, count, stall, span and occupancy is the same, tile by tile or skipped."""
    schedule = schedule_program(*case)
    quick = run_schedule(schedule, trace=True)
    slow = run_schedule(schedule, trace=True, batched=False)
    assert slow.simulated_tiles == slow.tiles
    assert dataclasses.replace(quick, simulated_tiles=0) == dataclasses.replace(slow, simulated_tiles=0)


@SETTINGS
@given(cases())
def test_run__busiest_resource_bounds_cycles_below_and_all_work_above(case):
    result = run_events(*case)
    busy = defaultdict(int, result.busy_cycles)
    shared = case[1].dram.dma_queues == "shared"
    assert max(busy.values()) <= result.cycles
    assert not shared or busy["dma_read"] + busy["dma_write"] <= result.cycles
    assert result.cycles <= sum(busy[unit] for unit in ("array", "vector", "local", "dma_read", "dma_write"))


@SETTINGS
@given(cases())
def test_run__exclusive_units_never_overlap_and_space_never_exceeds_capacity(case):
    result = run_events(*case, trace=True)
    ends = defaultdict(int)
    for unit, name, start, end in result.spans:
        assert ends[unit] <= start < end, (unit, name)
        ends[unit] = end
    assert max(ends.values()) <= result.cycles
    assert list(result.occupancy) == sorted(result.occupancy, key=lambda at: at[0])
    assert (
        result.scratchpad_peak_bytes == max(used for _, used in result.occupancy) <= case[1].scratchpad.capacity_bytes
    )
    assert result.occupancy[-1][1] == 0
    assert sum(result.peak_tensors.values()) == result.scratchpad_peak_bytes


@SETTINGS
@given(cases())
def test_run__bytes_are_conserved_tensor_by_tensor(case):
    """What is read from DRAM was there or was written; every write is whole; sums that wait there all come back."""
    program, chip = case
    result = run_events(program, chip)
    written = {name for name, t in program.tensors.items() if t.kept or t.role in ("input", "label")}
    partial = defaultdict(int)
    for op in result.ops:
        for name, count in op.dram_read_bytes.items():
            if name.endswith(("@partial", "@sums")):
                partial[name] += count
            elif name in program.tensors:
                own = name in op.dram_write_bytes  # statistics that a normalisation takes up again, group by group
                assert own or name in written, f"op {op.index} reads {name} before anyone wrote it"
        for name, count in op.dram_write_bytes.items():
            if name.endswith(("@partial", "@sums")):
                partial[name] -= count
            else:
                assert count >= program.tensors[name].size_bytes
                written.add(name)
    assert not any(partial.values())
    assert all(name in written for name, t in program.tensors.items() if t.kept)


@SETTINGS
@given(cases())
def test_run__tiles_touch_whole_tensors_and_do_all_the_work(case):
    program, _ = case
    for op, result in zip(program.ops, run_events(*case).ops, strict=True):
        assert result.touched_read_bytes == {name: program.tensors[name].size_bytes for name in op.reads}
        assert result.touched_write_bytes == {name: program.tensors[name].size_bytes for name in op.writes}
        assert (result.macs, result.signal_macs) == (op.macs, op.signal_macs)


@SETTINGS
@given(cases())
def test_run__stages_and_ops_sum_to_the_totals(case):
    result = run_events(*case)
    assert sum(stage.cycles for stage in result.stages) == result.cycles
    assert sum(op.attributed_cycles for op in result.ops) == result.cycles
    assert sum((stage.counts for stage in result.stages), Counts()) == result.counts
    assert sum(stage.macs for stage in result.stages) == result.macs
    assert sum((op.counts for op in result.ops), Counts()) == result.counts
    assert sum(sum(op.dram_read_bytes.values()) for op in result.ops) == result.counts.dram_read_bytes
    assert sum(sum(op.dram_write_bytes.values()) for op in result.ops) == result.counts.dram_write_bytes
    for cause, cycles in result.stall_cycles.items():
        assert cycles == sum(stage.stall_cycles[cause] for stage in result.stages)


def alone(program, op):
    """A program of one of its ops."""
    names = (*op.reads, *op.writes)
    return Program(
        network=program.network,
        rule=program.rule,
        precision=program.precision,
        optimizer=program.optimizer,
        batch=program.batch,
        ops=(op,),
        tensors={name: program.tensors[name] for name in names},
    )


@SETTINGS
@given(case=cases(), more=st.integers(1, 1 << 17))
def test_gemm__more_scratchpad_never_costs_dram_bytes(case, more):
    """For one GEMM with its optimal mapping; for whole programs this would be false."""
    program, chip = case
    for op in program.ops[:12]:
        if isinstance(op, Gemm):
            one = alone(program, op)
            larger = chip.changed("scratchpad", capacity_bytes=chip.scratchpad.capacity_bytes + more)
            small, large = (run_events(one, c).counts for c in (chip, larger))
            assert large.dram_read_bytes + large.dram_write_bytes <= small.dram_read_bytes + small.dram_write_bytes


@SETTINGS
@given(cases())
def test_run__own_stalls_lie_within_the_stages_own_cycles(case):
    """Every cycle waits for one op at most, and an op's own cycles split into work and causes."""
    result = run_events(*case)
    for stage in result.stages:
        assert sum(stage.own_stall_cycles.values()) <= stage.cycles
        assert stage.peak_bytes <= result.scratchpad_peak_bytes
        for cause, cycles in stage.own_stall_cycles.items():
            assert cycles >= 0
            assert cause in ("dram_write", "dependency") or cycles <= stage.stall_cycles[cause]
    assert max(stage.peak_bytes for stage in result.stages) == result.scratchpad_peak_bytes
