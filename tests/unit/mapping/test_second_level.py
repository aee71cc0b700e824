"""A second memory on the chip: what lives there, what moves, what it costs, and that nothing moves without it."""

from dataclasses import asdict, fields, replace
from itertools import combinations, pairwise
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lls_hw.models.program.lower import lower
from lls_hw.models.registry import load, load_network
from lls_hw.models.rules.registry import parse_rule
from lls_hw.models.spec.accelerator import AcceleratorSpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.spec.precision import Precision
from lls_hw.models.spec.technology import TechnologySpec
from lls_hw.sim.cost.area import area_mm2
from lls_hw.sim.cost.counts import Counts
from lls_hw.sim.cost.energy_lines import price_list
from lls_hw.sim.event.engine import run_events, run_schedule
from lls_hw.sim.mapping.objective import FEWEST_BYTES
from lls_hw.sim.mapping.schedule import schedule_program
from lls_hw.sim.mapping.second_level import Guest, guests_of, held_at, pack
from lls_hw.sim.mapping.tile import moves
from lls_hw.sim.schedule.best import candidates
from lls_hw.sim.schedule.plan import GroupPlans

CHIP = load("chips", "edge_16x16", AcceleratorSpec, "--chip").changed("scratchpad", capacity_bytes=32_768)
TECHNOLOGY = load("technology", CHIP.technology, TechnologySpec, "--technology")


def with_second(capacity_bytes: int, **keys: object) -> AcceleratorSpec:
    return CHIP.changed("second", capacity_bytes=capacity_bytes, **keys)


def program(rule: str = "lls", net: str = "smallconv", batch: int = 2):
    return lower(load_network(net), parse_rule(rule), batch=batch)


guests = st.lists(
    st.builds(
        lambda size, first, length, saved: (size, first, min(7, first + length), saved),
        st.integers(1, 6), st.integers(0, 7), st.integers(0, 7), st.integers(0, 50),
    ), max_size=9,
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(guests, st.integers(0, 14))
def test_pack__saves_as_much_as_the_best_of_all_subsets(given_guests, capacity) -> None:
    ones = [Guest(str(at), *one) for at, one in enumerate(given_guests)]

    def fits(chosen) -> bool:
        return all(sum(g.size_bytes for g in chosen if g.first <= op <= g.last) <= capacity for op in range(8))

    subsets = (chosen for n in range(len(ones) + 1) for chosen in combinations(ones, n))
    best = max(sum(g.saved_bytes for g in chosen) for chosen in subsets if fits(chosen))
    found = pack(ones, capacity, 8)
    assert fits(found)
    assert len(set(found)) == len(found)
    assert sum(g.saved_bytes for g in found) == best


def moved_by_hand(schedule, names) -> Counts:
    """Bytes and words of all transfers, counted one by one."""
    second = schedule.chip.second
    tally = dict.fromkeys(("dram_read_bytes", "dram_write_bytes", "second_read_words", "second_write_words"), 0)
    for op in schedule.ops:
        loads = {id(t) for node_tile in tiles(op.plan.body) for t in node_tile.loads} | {id(t) for t in op.plan.fills}
        for transfer, times, _ in moves(op.plan):
            way = "read" if id(transfer) in loads else "write"
            if transfer.tensor in names:
                tally[f"second_{way}_words"] += times * ceil(transfer.payload_bytes * 8 / second.word_bits)
            else:
                tally[f"dram_{way}_bytes"] += times * transfer.bus_bytes
    return Counts(**tally)


def tiles(nodes):
    for node in nodes:
        yield from tiles(node.body) if hasattr(node, "body") else (node,)


@pytest.mark.parametrize("rule", ["bp", "lls", "drtp"])
@pytest.mark.parametrize("kib", [32, 128, 1024])
def test_run__words_and_bytes_are_those_of_the_transfers(rule, kib) -> None:
    chip = with_second(kib * 1024)
    schedule = schedule_program(program(rule), chip)
    found, plain = run_schedule(schedule), run_schedule(schedule_program(program(rule), CHIP))
    hand = moved_by_hand(schedule, schedule.second.names)
    for field in ("dram_read_bytes", "dram_write_bytes", "second_read_words", "second_write_words"):
        assert getattr(found.counts, field) == getattr(hand, field)
    saved = sum(guest.saved_bytes for guest in schedule.second.guests)
    assert saved > 0
    before, now = (one.dram_read_bytes + one.dram_write_bytes for one in (plain, found))
    assert before - now == saved
    assert found.counts.scratchpad_read_words == plain.counts.scratchpad_read_words
    assert found.counts.scratchpad_write_words == plain.counts.scratchpad_write_words
    assert (found.macs, found.signal_macs) == (plain.macs, plain.signal_macs)
    assert held_at(schedule.second.guests, len(schedule.ops)) == list(schedule.second.held_bytes)
    assert 0 < found.second_peak_bytes == max(schedule.second.held_bytes) <= chip.second.capacity_bytes
    assert run_schedule(schedule, batched=False).counts == found.counts
    assert run_schedule(schedule, batched=False).cycles == found.cycles


@pytest.mark.parametrize("rule", ["bp", "lls"])
@pytest.mark.parametrize("kib", [32, 64, 128])
def test_timeline__never_more_than_the_capacity_and_words_over_ports(rule, kib) -> None:
    """What is there from its first movement's first cycle to its last one's last fits at every cycle."""
    lowered, chip = program(rule), with_second(kib * 1024)
    schedule = schedule_program(lowered, chip)
    found = run_schedule(schedule, trace=True)
    spans = [span for span in found.spans if span[1].endswith(" at second")]
    moved: dict[str, list[int]] = {}
    for _, name, start, end in spans:
        moved.setdefault(name.removesuffix(" at second"), []).extend((start, end))
    assert set(moved) == schedule.second.names
    lives = {
        name: (0, found.cycles) if lowered.tensors[name].kept else (min(times), max(times))
        for name, times in moved.items()
    }
    for cycle, _ in lives.values():
        there = [name for name, (start, end) in lives.items() if start <= cycle < end]
        assert sum(lowered.tensors[name].size_bytes for name in there) <= chip.second.capacity_bytes
    words = [
        (ceil(transfer.payload_bytes * 8 / 64), times)
        for op in schedule.ops for transfer, times, _ in moves(op.plan) if transfer.tensor in moved
    ]  # fmt: skip
    assert sum(end - start for _, _, start, end in spans) == sum(times * (2 + ceil(n / 16)) for n, times in words)


@pytest.mark.parametrize("name", ["fused", "best"])
def test_groups__move_what_they_store_and_load_there_too(name: str) -> None:
    """Words and bytes by hand, and no more DRAM bytes than without the level, for every schedule that is tried."""
    lowered, chip = program("lls_m"), with_second(1 << 17)
    tried = candidates(lowered, chip, name, FEWEST_BYTES)
    assert tried
    for ops in tried:
        schedule, bare = (GroupPlans(lowered, ops, on).schedule() for on in (chip, CHIP))
        found, plain = run_schedule(schedule), run_schedule(bare)
        hand = moved_by_hand(schedule, schedule.second.names)
        assert any(op.plan.owners for op in schedule.ops)
        assert found.counts.second_read_words == hand.second_read_words > 0
        assert found.counts.second_write_words == hand.second_write_words
        saved = sum(guest.saved_bytes for guest in schedule.second.guests)
        moved = [run.dram_read_bytes + run.dram_write_bytes for run in (found, plain)]
        assert moved[0] == moved[1] - saved
        assert found.second_peak_bytes <= chip.second.capacity_bytes


def test_guests__never_what_comes_from_outside_and_what_outlives_the_step_all_the_time() -> None:
    lowered = program("bp")
    schedule = schedule_program(lowered, CHIP)
    found = {guest.tensor: guest for guest in guests_of(lowered, [op.plan for op in schedule.ops])}
    last = len(lowered.ops) - 1
    for name, tensor in lowered.tensors.items():
        if tensor.role in ("input", "label"):
            assert name not in found
        elif name in found and tensor.kept:
            assert (found[name].first, found[name].last) == (0, last)
        elif name in found:
            at = [index for index, op in enumerate(lowered.ops) if name in (*op.reads, *op.writes)]
            assert (found[name].first, found[name].last) == (at[0], at[-1])
            assert name in lowered.ops[at[0]].writes
    assert any(lowered.tensors[name].kept for name in found)


def test_law__a_larger_second_level_never_moves_more_dram_bytes() -> None:
    for rule in ("bp", "lls"):
        lowered = program(rule)
        runs = [run_events(lowered, CHIP)]
        runs += [run_events(lowered, with_second(kib * 1024)) for kib in (32, 64, 256, 2048)]
        moved = [run.dram_read_bytes + run.dram_write_bytes for run in runs]
        assert all(after <= before for before, after in pairwise(moved))
        assert moved[-1] < moved[0]


def test_nothing_fits__equals_the_chip_without_it() -> None:
    """A level in which nothing lives moves nothing: every count and cycle is the other chip's."""
    lowered, chip = program("lls"), with_second(32_768)
    schedule = schedule_program(lowered, chip)
    nobody = replace(schedule, ops=tuple(replace(op, second=frozenset()) for op in schedule.ops))
    found, plain = run_schedule(nobody), run_schedule(schedule_program(lowered, CHIP))
    second = {"second_bytes", "second_peak_bytes", "second_tensors"}
    for field in fields(found):
        if field.name not in second:
            assert getattr(found, field.name) == getattr(plain, field.name), field.name


def test_prices__macros_wires_leakage_and_area_of_its_own() -> None:
    bare, more = (price_list(c, Precision(), TECHNOLOGY, "typical") for c in (CHIP, with_second(1 << 20)))
    new = [line for line in more if line not in bare]
    assert [line for line in more if line in bare] == list(bare)
    counted = sorted(line.counted for line in new)
    assert counted == ["cycles", *["second_read_words"] * 2, *["second_write_words"] * 2]
    assert all(line.unit_pj > 0 and line.source for line in new)
    alone = CHIP.changed("scratchpad", capacity_bytes=1 << 20, macro_bytes=with_second(1 << 20).second.macro_bytes)
    lines = {line.event: line for line in price_list(alone, Precision(), TECHNOLOGY, "typical")}
    for ours, pads in (("second-level word read", "word read"), ("second-level word written", "word written")):
        (own,) = (line for line in new if line.event == ours)
        assert own.unit_pj == lines[pads].unit_pj
        (wire,) = (line for line in new if line.event == f"wires of a {ours}")
        assert wire.unit_pj == lines[f"wires of a {pads}"].unit_pj
    (leak,) = (line for line in new if line.counted == "cycles")
    assert leak.unit_pj == lines["cycle of the scratchpad"].unit_pj
    assert area_mm2(with_second(1 << 20), TECHNOLOGY) > area_mm2(CHIP, TECHNOLOGY)


def test_refused__by_name() -> None:
    lowered = program("lls")
    several = lower(load_network("smallconv"), parse_rule("lls"), batch=2, accumulate=2)
    with pytest.raises(SpecError, match=r"^accumulate = 2: "):
        run_events(several, with_second(1 << 20))
    with pytest.raises(SpecError, match=r"idle_leak_share = 0\.5: "):
        run_events(lowered, with_second(1 << 20, idle_leak_share=0.5))
    assert asdict(Counts())["second_read_words"] == 0
