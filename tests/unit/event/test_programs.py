"""Shipped networks and rules on the default chip: the events charged are the program's."""

import dataclasses
import json
import re

import pytest

from lls_hw.models.program.lower import lower
from lls_hw.models.program.ops.products import DepthwiseConv
from lls_hw.models.registry import load, load_network, names
from lls_hw.models.rules.registry import parse_rule, rules
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.network import NetworkSpec
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.cost.energy import price
from lls_hw.sim.event.engine import run_events
from lls_hw.sim.event.trace import TRACKS, trace_json

RULES = tuple(rules())


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("net", names("nets"))
def test_shipped__every_op_is_charged_whole(chip, net, rule):
    program = lower(load_network(net), parse_rule(rule), batch=2)
    result = run_events(program, chip)
    for op, charged in zip(program.ops, result.ops, strict=True):
        assert charged.touched_read_bytes == {name: program.tensors[name].size_bytes for name in op.reads}
        assert charged.touched_write_bytes == {name: program.tensors[name].size_bytes for name in op.writes}
        assert (charged.macs, charged.signal_macs) == (op.macs, op.signal_macs)
        assert 0 <= charged.start_cycle <= charged.end_cycle <= result.cycles
    assert sum(stage.cycles for stage in result.stages) == result.cycles
    assert result.scratchpad_peak_bytes <= chip.scratchpad.capacity_bytes
    assert 0 < result.utilization <= 1


@pytest.mark.parametrize("name", names("chips"))
def test_shipped_chips__run_the_largest_net(name):
    program = lower(load_network("vgg11"), parse_rule("lls_mxm"), batch=2)
    result = run_events(program, load("chips", name, AcceleratorSpec, "--chip"))
    assert result.macs == sum(op.macs for op in program.ops)


def test_run__is_deterministic(chip):
    program = lower(load_network("smallconv"), parse_rule("lls_m"), batch=3)
    assert run_events(program, chip, trace=True) == run_events(program, chip, trace=True)


def test_depthwise__runs_on_the_unit_the_chip_names(chip):
    program = lower(load_network("mlperf_tiny_vww"), parse_rule("bp"), batch=2)
    spare = AcceleratorSpec.from_mapping({**chip.model_dump(), "depthwise_on": "array"}, "chip")
    on_vector, on_array = (run_events(program, one) for one in (chip, spare))
    depthwise = sum(op.macs for op in program.ops if isinstance(op, DepthwiseConv))
    assert on_array.counts.macs == on_vector.counts.macs + depthwise
    assert on_array.macs == on_vector.macs


def test_basis__generated_steps_phases_and_stored_is_read(chip):
    program = lower(load_network("smallconv"), parse_rule("lls"), batch=2)
    runs = {b: run_events(program, chip.changed("local", basis=b)) for b in ("generated", "sram", "dram")}
    assert runs["generated"].counts.phase_steps == runs["generated"].signal_macs
    assert runs["sram"].counts.phase_steps == 0
    assert runs["sram"].counts.scratchpad_read_words > runs["generated"].counts.scratchpad_read_words
    assert runs["dram"].counts.dram_read_bytes > runs["sram"].counts.dram_read_bytes


def test_scratchpad__too_small_says_how_much_would_do(chip):
    program = lower(load_network("vww_cnn"), parse_rule("lls_m"), batch=8)
    small = chip.changed("scratchpad", capacity_bytes=1024)
    with pytest.raises(SpecError) as caught:
        run_events(program, small)
    found = re.fullmatch(
        r"chip\.scratchpad\.capacity_bytes = 1024: layer '([^']+)' needs (\d+) bytes for one double-buffered tile "
        r"of its (\w+) \((\w+)\)\. Raise capacity_bytes to \2\.",
        str(caught.value),
    )
    assert found, str(caught.value)
    enough = chip.changed("scratchpad", capacity_bytes=int(found[2]))
    assert run_events(program, enough).macs == sum(op.macs for op in program.ops)
    with pytest.raises(SpecError):
        run_events(program, chip.changed("scratchpad", capacity_bytes=int(found[2]) - 1))


def test_trace__opens_as_chrome_trace(chip):
    result = run_events(lower(load_network("smallconv"), parse_rule("lls_m"), batch=2), chip, trace=True)
    document = json.loads(json.dumps(trace_json(result, chip.clock_mhz)))
    events = document["traceEvents"]
    assert {e["args"]["name"] for e in events if e["name"] == "thread_name"} == set(TRACKS)
    complete = [e for e in events if e["ph"] == "X"]
    assert len(complete) == len(result.spans) > 100
    assert max(e["ts"] + e["dur"] for e in complete) <= result.cycles / chip.clock_mhz
    for unit in ("array", "vector", "local", "dma_read", "dma_write", "dram"):
        spent = sum(end - start for track, _, start, end in result.spans if track == unit)
        assert spent == result.busy_cycles[unit]
    assert [e["args"]["bytes"] for e in events if e["name"] == "scratchpad"][-1] == 0
    counted = [e["args"] for e in events if e["name"] == "DRAM bytes per cycle"]
    assert all(0 <= args["read"] + args["write"] <= chip.dram.bytes_per_cycle + 1e-9 for args in counted)
    assert sum(args["read"] for args in counted) > 0 < sum(args["write"] for args in counted)


def test_hand_case__pointwise_layer_of_the_docs(chip):
    """The arithmetic of docs/event-engine.md."""
    layer = {"kind": "conv", "name": "pw", "out_channels": 64, "kernel": 1, "stride": 1, "padding": 0, "pool": 2}
    net = NetworkSpec.from_mapping({"name": "n", "input": [32, 64, 64], "classes": 2, "layers": [layer]}, "n")
    whole = lower(net, parse_rule("inference"), batch=1)
    op = whole.ops[0]
    program = dataclasses.replace(whole, ops=(op,), tensors={n: whole.tensors[n] for n in (*op.reads, *op.writes)})
    result = run_events(program, chip.changed("scratchpad", capacity_bytes=128 * 1024))
    assert result.ops[0].dram_read_bytes == {"input/x": 131_072, "pw/weight": 2_048, "pw/bias": 128}
    assert result.ops[0].dram_write_bytes == {"pw/y": 524_288}
    assert result.busy_cycles["array"] == 32 * (16 + 8 * 128 + 30)
    assert result.busy_cycles["vector"] == 2 * 262_144 // 16
    assert result.busy_cycles["dram"] == 657_536 // 8
    assert result.cycles == 83_508
    counts = result.counts
    assert counts.scratchpad_read_words == 65_536 + 8_192 + 131_072 + 131_072 + 65_536 + 16
    assert counts.scratchpad_write_words == 16_656 + 2 * 131_072 + 65_536 + 32
    assert counts.dram_activates == 32 * 2 + 32 * 8 + 2
    states = (counts.dram_active_cycles, counts.dram_standby_cycles, counts.dram_power_down_cycles)
    assert states == (82_512, 3 * 4, 984), "three times nothing is on its way: rows close in 4 cycles, then it rests"
    technology = load("technology", chip.technology, TechnologySpec, "--technology")
    small = chip.changed("scratchpad", capacity_bytes=128 * 1024)
    energy = price(counts, cycles=result.cycles, chip=small, precision=Precision(), technology=technology).to_uj()
    parts = {"array": 5.581, "sram": 10.859, "dram": 82.594, "vector": 0.336, "leakage": 1.308, "total": 100.678}
    assert {part: round(energy[part], 3) for part in parts} == parts


def test_large_case__cost_grows_with_distinct_runs_not_with_tiles(chip):
    """vgg8 at 128x128, batch 32: of hundreds of thousands of tiles only some thousands are stepped through."""
    program = lower(load_network("vgg8").resized((3, 128, 128), 2), parse_rule("bp"), batch=32)
    result = run_events(program, chip)
    assert result.tiles > 100_000
    assert result.simulated_tiles < 10_000
    assert result.macs == sum(op.macs for op in program.ops)
