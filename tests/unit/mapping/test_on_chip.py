"""A chip without DRAM runs what fits and moves nothing, or says how many bytes do not fit."""

import json
import re
from pathlib import Path

import pytest

from lls_hw.cli import main
from lls_hw.models.program.lower import lower
from lls_hw.models.program.program import Program
from lls_hw.models.registry import load, load_network
from lls_hw.models.rules.registry import parse_rule, rules
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.cost.energy import price
from lls_hw.sim.event.engine import run_events
from lls_hw.sim.mapping.residency import all_on_chip
from lls_hw.sim.mapping.schedule import schedule_program

CHIP = load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip")
ALONE = CHIP.changed("dram", device="none").changed("scratchpad", capacity_bytes=8 << 20)


def small(rule: str, batch: int = 4) -> Program:
    return lower(load_network("smallconv"), parse_rule(rule), batch=batch)


@pytest.mark.parametrize("rule", sorted(rules()))
def test_run__moves_nothing_and_does_the_same_work(rule: str) -> None:
    program = small(rule)
    ours, theirs = run_events(program, ALONE), run_events(program, CHIP)
    counts = ours.counts
    assert (counts.dram_read_bytes, counts.dram_write_bytes, counts.dram_activates) == (0, 0, 0)
    assert counts.dram_active_cycles + counts.dram_standby_cycles + counts.dram_power_down_cycles == 0
    assert (ours.macs, ours.signal_macs) == (theirs.macs, theirs.signal_macs)
    assert ours.scratchpad_peak_bytes >= program.training_memory_bytes()
    technology = load("technology", "cmos_45nm", TechnologySpec, "--technology")
    energy = price(counts, cycles=ours.cycles, chip=ALONE, precision=Precision(), technology=technology)
    assert energy.dram == 0 < energy.sram


def test_run__skipping_identical_tiles_changes_no_number() -> None:
    quick, slow = (run_events(small("bp"), ALONE, trace=True, batched=batched) for batched in (True, False))
    assert quick.counts == slow.counts
    assert (quick.cycles, quick.ops, quick.spans, quick.occupancy) == (
        slow.cycles, slow.ops, slow.spans, slow.occupancy
    )  # fmt: skip


def test_residency__of_all_is_every_tensor_while_it_lives() -> None:
    """By lifetimes: kept tensors and what the step reads before anyone wrote it are there from the first op on."""
    program = small("lls_m")
    found = all_on_chip(program)
    assert {stay.tensor for stay in found.stays} == {name for op in program.ops for name in (*op.reads, *op.writes)}
    last = len(program.ops) - 1
    for stay in found.stays:
        users = [i for i, op in enumerate(program.ops) if stay.tensor in (*op.reads, *op.writes)]
        kept = program.tensors[stay.tensor].kept
        begins = 0 if kept or stay.tensor in program.ops[users[0]].reads else users[0]
        assert (stay.first, stay.last) == (begins, last if kept else users[-1])
    for index in range(len(program.ops)):
        alive = [stay.size_bytes for stay in found.stays if stay.first <= index <= stay.last]
        assert found.resident_bytes[index] == sum(alive)


@pytest.mark.parametrize("rule", ["inference", "lls_m", "bp", "drtp"])
def test_refusal__names_the_bytes_and_a_capacity_that_does(rule: str) -> None:
    program, tight = small(rule), ALONE.changed("scratchpad", capacity_bytes=64 * 1024)
    with pytest.raises(SpecError) as refused:
        schedule_program(program, tight)
    found = re.match(
        r"chip\.dram\.device = 'none': (\d+) bytes do not fit: '(\w+)' needs (\d+) of the scratchpad's 65536 in ",
        str(refused.value),
    )
    assert found, refused.value
    more, named, need = int(found[1]), found[2], int(found[3])
    assert (named, need - 65_536) == (rule, more)
    assert run_events(program, ALONE.changed("scratchpad", capacity_bytes=need)).counts.dram_read_bytes == 0
    with pytest.raises(SpecError, match=r": 1 bytes do not fit: "):
        schedule_program(program, ALONE.changed("scratchpad", capacity_bytes=need - 1))


def test_refusal__of_what_leaves_the_chip_all_the_same() -> None:
    """A basis that is stored in DRAM has nowhere to be."""
    with pytest.raises(SpecError, match=r"^chip\.dram\.device = 'none': conv1's .* bytes off the chip, most of "):
        schedule_program(small("lls_m"), ALONE.changed("local", basis="dram"))


def test_command__of_a_chip_file_without_dram(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "alone.toml"
    text = (Path(__file__).parents[3] / "lls_hw" / "models" / "chips" / "edge_16x16_flat.toml").read_text(
        encoding="utf-8"
    )
    levels = text.partition('name = "dram"')[0] + 'name = "dram"\nkind = "dram"\ndevice = "none"\n\n[vector]'
    path.write_text(levels + text.partition("[vector]")[2], encoding="utf-8")
    arguments = ["simulate", "--net", "smallconv", "--rule", "lls_m", "--chip", str(path), "--no-numerics"]
    assert main([*arguments, "--baseline", "none", "--sram", "8192"]) == 0
    assert "DRAM traffic, KiB" in capsys.readouterr().out
    assert main([*arguments, "--quiet"]) == 2
    assert "bytes do not fit: 'lls_m' needs" in capsys.readouterr().err


def test_option__chooses_the_kind(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [
        "simulate",
        "--net",
        "smallconv",
        "--rule",
        "lls_m",
        "--no-numerics",
        "--baseline",
        "none",
        "--json",
        "-",
    ]
    dearer = {}
    for kind in ("lpddr3", "lpddr4", "none"):
        assert main([*arguments, "--dram", kind, "--sram", "8192"]) == 0
        data = json.loads(capsys.readouterr().out)
        assert data["inputs"]["chip"]["memory"][-1]["device"] == kind
        dearer[kind] = data["totals"]["energy_uj"]["dram_transfer"]
    assert dearer["lpddr4"] > dearer["lpddr3"] > dearer["none"] == 0
    assert main([*arguments, "--dram", "ddr9"]) == 2
    assert capsys.readouterr().err.startswith("lls-hw: --dram = 'ddr9': the shipped ones are lpddr3, lpddr4, lpddr4x. ")
