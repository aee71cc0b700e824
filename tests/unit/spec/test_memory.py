"""A chip's levels of memory are one list; older tables are read as that list; what cannot be is refused by its key."""

from pathlib import Path

import pytest

from lls_hw.models.program.lower import lower
from lls_hw.models.registry import load, load_network, names
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.memory import AccumulatorSpec
from lls_hw.models.spec.precision import Precision
from lls_hw.sim.mapping.schedule import schedule_program

CHIP = load("chips", "edge_16x16_flat", AcceleratorSpec, "--chip")
DATA = CHIP.model_dump(mode="json")
PAD, DRAM = DATA["memory"]
SUMS = {"kind": "accumulators", "entries": 512}
REST = {key: value for key, value in DATA.items() if key != "memory"}
OLD_FILE = """
name = "mine"
clock_mhz = 200
[array]
rows = 16
cols = 16
[scratchpad]
capacity_bytes = 262144
[dram]
bytes_per_cycle = 8
latency_cycles = 40
[vector]
lanes = 16
[local]
lanes = 16
"""


def chip_of(*levels: object, **more: object) -> AcceleratorSpec:
    return AcceleratorSpec.from_mapping({**REST, "memory": list(levels), **more}, "mine.toml")


def test_levels__by_the_part_they_play() -> None:
    second = {**PAD, "name": "l2", "capacity_bytes": 1 << 20}
    chip = chip_of(SUMS, PAD, second, DRAM)
    assert [level.name for level in chip.memory] == ["accumulators", "scratchpad", "l2", "dram"]
    assert chip.accumulators == AccumulatorSpec(entries=512)
    assert chip.accumulators.capacity_bytes(16) == 16 * 512 * 4
    assert chip.scratchpad.capacity_bytes == 262144
    assert chip.second == chip.memory[2]
    assert (chip.dram.device, chip.dram.bytes_per_cycle) == ("lpddr3", 8)
    assert (CHIP.accumulators, CHIP.second) == (None, None)


def test_levels__a_file_with_a_table_each_is_the_same_list(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(OLD_FILE, encoding="utf-8")
    mine = AcceleratorSpec.from_toml(path)
    assert mine.memory == CHIP.changed("scratchpad", macro_bytes=16_384).memory
    assert AcceleratorSpec.from_mapping(mine.model_dump(mode="json"), "again") == mine


@pytest.mark.parametrize("name", names("chips"))
def test_levels__what_the_json_shows_reads_back(name: str) -> None:
    chip = load("chips", name, AcceleratorSpec, "--chip")
    shown = chip.model_dump(mode="json")
    assert [level["kind"] for level in shown["memory"]][-2:] == ["sram", "dram"]
    assert AcceleratorSpec.model_validate(shown) == chip == AcceleratorSpec.from_mapping(shown, "again")


def test_changed__by_part_also_where_it_is_new() -> None:
    assert CHIP.changed("scratchpad", banks=4).scratchpad.banks == 4
    assert CHIP.changed("dram", burst_bytes=32).dram.burst_bytes == 32
    more = CHIP.changed("accumulators", entries=64).changed("second", capacity_bytes=1 << 20)
    assert [level.name for level in more.memory] == ["accumulators", "scratchpad", "second", "dram"]
    assert more.without("second").without("accumulators") == CHIP


@pytest.mark.parametrize(
    ("levels", "text"),
    [
        ((DRAM, PAD), "memory.1.kind = 'sram': it follows dram, which is further out. "),
        ((PAD, SUMS, DRAM), "memory.1.kind = 'accumulators': it follows sram, which is further out. "),
        ((PAD, DRAM, {**DRAM, "name": "x"}), "memory.2.kind = 'dram': a chip has at most 1 of this kind. "),
        ((SUMS, {**SUMS, "name": "x"}, PAD, DRAM), "memory.1.kind = 'accumulators': a chip has at most 1 of this kind"),
        ((PAD, PAD, DRAM), "memory.1.name = 'scratchpad': another level has this name. Give each its own."),
        (
            (PAD, {**PAD, "name": "l2", "capacity_bytes": 8}, DRAM),
            "memory.1.capacity_bytes = 8: it lies behind 'scratchpad', which has 262144. Make it at least as large.",
        ),
        (({"kind": "rom"}, PAD, DRAM), "memory.0.kind = 'rom': a level is one of accumulators, sram, dram. "),
        ((3, PAD, DRAM), "memory.0.kind = 'nothing': a level is one of accumulators, sram, dram. "),
        ((PAD, {**DRAM, "device": ""}), "memory.1.device = '': "),
        ((PAD, {**DRAM, "bytes": 3}), "memory.1.bytes = 3: no such key. "),
        (({**SUMS, "entries": 0}, PAD, DRAM), "memory.0.entries = 0: "),
        ((PAD,), "memory = ['sram']: a chip has a level of kind dram. "),
        ((), "memory = []: a chip has a level of kind sram. "),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_levels__refusal_has_the_path_of_the_key(levels: tuple[object, ...], text: str) -> None:
    with pytest.raises(SpecError) as refused:
        chip_of(*levels)
    assert str(refused.value).startswith(f"mine.toml.{text}")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (REST, "mine.toml.memory = 'nothing': this key is required. Add it."),
        ({**REST, "memory": 3}, "mine.toml.memory = 3: it takes a list of levels. "),
        ({**DATA, "dram": DRAM}, "mine.toml.dram = "),
        ({**REST, "scratchpad": 3, "dram": DRAM}, "mine.toml.scratchpad = 3: it takes a table of keys. "),
        ({**REST, "scratchpad": {}, "dram": DRAM}, "mine.toml.scratchpad.capacity_bytes = 'nothing': "),
    ],
    ids=str,
)  # fmt: skip
def test_tables__refusal_has_the_path_of_the_key(data: dict[str, object], text: str) -> None:
    with pytest.raises(SpecError) as refused:
        AcceleratorSpec.from_mapping(data, "mine.toml")
    assert str(refused.value).startswith(text)


def test_second_level__needs_a_dram_behind_it() -> None:
    program = lower(load_network("smallconv"), parse_rule("lls"), Precision(), batch=2)
    chip = CHIP.changed("second", capacity_bytes=1 << 24).changed("scratchpad", capacity_bytes=1 << 24)
    with pytest.raises(SpecError, match=r"^chip\.memory\.1 = .*: without a DRAM everything is in the scratchpad\."):
        schedule_program(program, chip.changed("dram", device="none"))
