"""The compiled array equals the RTL in bits, cycles and overflows: random products and real tensors of vww_cnn.

240 products on 24 arrays whose accumulators hold any sums; 120 on 12 whose accumulators are small, so that sums pass
through in turns, or stay while a second part of k is added.
"""

import json
import random

import numpy as np
import pytest

from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.sim.array.closed_form import array_cycles
from lls_hw.sim.array.registers import WordWidths, run_array
from tests.rtl import bench
from tests.rtl.real_tensors import vww_products

pytestmark = pytest.mark.skipif(bool(bench.missing()), reason=bench.missing() or "never")

FLOWS = ("ws", "os", "is")
CASES_A_BUILD = 10


def forms():
    """24 arrays: every side 1 to 9, every operand width 2 to 16, both overflows, wide and narrow accumulators."""
    pick = random.Random(7)
    rows = [1, 9, *pick.choices(range(1, 10), k=5), *range(1, 10), *pick.choices(range(1, 10), k=8)]
    cols = [9, 1, 8, 2, 7, 3, 6, 4, 5] * 3
    bits = [*range(2, 17), *pick.choices(range(2, 17), k=9)]
    for index in range(24):
        narrow = index // 3 % 2 == 0
        array = ArraySpec(rows=rows[index], cols=cols[index], dataflow=FLOWS[index % 3], preload_hidden=index % 4 != 3)
        yield (
            array,
            WordWidths(
                acc_bits=bits[index] + pick.randint(1, bits[index]) if narrow else 2 * bits[index] + 6,
                overflow="wrap" if index // 6 % 2 else "saturate",
                operand_bits=bits[index],
            ),
        )


FORMS = list(forms())


def operands(pick, array, words, index):
    """Random operands; every third case holds the most negative code, every fourth the largest beside it."""
    m, k, n = pick.randint(1, 2 * array.rows + 2), pick.randint(1, 40), pick.randint(1, 2 * array.cols + 2)
    low, high = -(1 << (words.operand_bits - 1)), (1 << (words.operand_bits - 1)) - 1
    left, right = [(low, high)] * 2
    if index % 3 == 0:
        left, right = (low, low), (low, low) if index % 2 else (high, high)
    a = [[pick.randint(*left) for _ in range(k)] for _ in range(m)]
    return a, [[pick.randint(*right) for _ in range(n)] for _ in range(k)]


def check(folder, array, words, products, bank=None):
    """Both arrays on every product, a list of parts of k; returns the overflows seen."""
    transposed = array.dataflow == "is"
    parameters = {"ROWS": array.rows, "COLS": array.cols, "BITS": words.operand_bits, "ACC": words.acc_bits}
    largest = max(max(len(a) * len(b), len(b) * len(b[0]), len(a) * len(b[0])) for parts in products for a, b in parts)
    parameters |= {"WRAP": int(words.overflow == "wrap"), "DEPTH": largest, "BANK": bank or largest}
    if array.dataflow != "os":
        parameters |= {"HIDDEN": int(array.preload_hidden), "TRANSPOSED": int(transposed)}
    cases = [case_of(array, parts, bank) for parts in products]
    (folder / "cases.json").write_text(json.dumps(cases))
    bench.simulate(
        folder,
        "gemm_os" if array.dataflow == "os" else "gemm_ws",
        "drive_gemm",
        parameters,
        {
            "LLS_CASES": str(folder / "cases.json"),
            "LLS_ANSWERS": str(folder / "answers.json"),
            "LLS_TRANSPOSED": str(int(transposed)),
        },
    )
    answers = json.loads((folder / "answers.json").read_text())
    assert len(answers) == len(cases)
    for case, answer in zip(cases, answers, strict=True):
        sums, turns = None, 1 if case["waits"] or array.dataflow == "os" else -(-case["streamed"] // bank)
        for at, one in enumerate(case["parts"]):
            given = np.array(one["a"]), np.array(one["b"]), array, words
            run = run_array(*given, bank_entries=bank, sums=sums)
            assert (answer["cycles"][at], answer["overflows"][at]) == (run.cycles, run.overflows)
            assert run.cycles == array_cycles(one["m"], one["k"], one["n"], array, turns=turns)
            sums = run.outputs
        assert answer["outputs"] == sums.tolist()
        assert answer["clashes"] == 0
    return sum(sum(answer["overflows"]) for answer in answers)


def case_of(array, parts, bank):
    """What the sequencer is told of a product: how its rows are cut into turns, if its sums may not wait in a bank."""
    m, n = len(parts[0][0]), len(parts[0][1][0])
    streamed, across = (n, m) if array.dataflow == "is" else (m, n)
    waits = bank is None or streamed * -(-across // array.cols) <= bank
    turns = 1 if waits else -(-streamed // bank)
    return {
        "parts": [{"m": m, "k": len(b), "n": n, "a": a, "b": b} for a, b in parts],
        "streamed": streamed,
        "waits": int(waits),
        "turn": -(-streamed // turns),
        "longer": streamed % turns or turns,
    }


@pytest.mark.parametrize("index", range(len(FORMS)), ids=lambda index: f"{FORMS[index][0].dataflow}-{index}")
def test_random_cases__rtl(tmp_path, index):
    (array, words), pick = FORMS[index], random.Random(index)
    overflows = check(tmp_path, array, words, [[operands(pick, array, words, case)] for case in range(CASES_A_BUILD)])
    assert overflows > 0 or words.acc_bits > 2 * words.operand_bits


def small_banks():
    """12 of these arrays, and a bank for each: of few entries, of a fold, and of a few folds."""
    pick = random.Random(11)
    for index in range(12):
        array, words = FORMS[(index * 5) % 24]
        least = array.rows if array.dataflow == "os" else 1
        yield array, words, least + pick.choice([0, 1, 3, array.rows, 2 * array.rows + 1])


BANKS = list(small_banks())


def in_parts(pick, a, b):
    """The product in two parts of k."""
    cut = pick.randint(1, len(b) - 1)
    return [([row[:cut] for row in a], b[:cut]), ([row[cut:] for row in a], b[cut:])]


@pytest.mark.parametrize("index", range(len(BANKS)), ids=lambda index: f"{BANKS[index][0].dataflow}-{BANKS[index][2]}")
def test_small_accumulators__rtl(tmp_path, index):
    """Sums that pass through in turns, sums that wait, and, where they do, a second part of k added to them."""
    (array, words, bank), pick = BANKS[index], random.Random(100 + index)
    products = [[operands(pick, array, words, case)] for case in range(CASES_A_BUILD)]
    for at, [(a, b)] in enumerate(products):
        if case_of(array, products[at], bank)["waits"] and len(b) > 1:
            products[at] = in_parts(pick, a, b)
    check(tmp_path, array, words, products, bank)


def test_small_accumulators__pass_wait_and_continue():
    """The cases above are of every kind, for every dataflow."""
    kinds = set()
    for index, (array, words, bank) in enumerate(BANKS):
        pick = random.Random(100 + index)
        for case in range(CASES_A_BUILD):
            one = case_of(array, [operands(pick, array, words, case)], bank)
            kinds.add(
                (array.dataflow, "wait" if one["waits"] else "pass", one["longer"] * one["turn"] < one["streamed"])
            )
    assert {kind[:2] for kind in kinds} == {(flow, how) for flow in FLOWS for how in ("wait", "pass")}
    assert {("ws", "pass", True), ("is", "pass", True)} <= kinds  # turns of two lengths


@pytest.mark.parametrize("dataflow", FLOWS)
@pytest.mark.parametrize("bank", [None, 8])
def test_real_tensors_of_vww_cnn__rtl(tmp_path, dataflow, bank):
    products = [[product] for product in vww_products().values()]
    array = ArraySpec(rows=8, cols=8, dataflow=dataflow)
    assert check(tmp_path, array, WordWidths(acc_bits=32, operand_bits=8), products, bank) == 0


def test_real_tensors_are_of_all_three_directions_and_not_trivial():
    products = vww_products()
    assert {name.split("/")[1] for name in products} == {"forward", "weight_grad", "input_grad"}
    for name, (a, b) in products.items():
        sums = np.array(a) @ np.array(b)
        assert np.unique(sums).size > min(sums.size, 20) // 3, name


def test_forms_cover_what_the_issue_names():
    assert len(FORMS) * CASES_A_BUILD >= 200
    assert {array.rows for array, _ in FORMS} == {array.cols for array, _ in FORMS} == set(range(1, 10))
    assert {words.operand_bits for _, words in FORMS} == set(range(2, 17))
    combined = {(array.dataflow, words.overflow) for array, words in FORMS}
    assert combined == {(flow, overflow) for flow in FLOWS for overflow in ("saturate", "wrap")}
    assert {array.preload_hidden for array, _ in FORMS if array.dataflow != "os"} == {True, False}
