"""`lls-hw cycles` as its users call it: SCALE-Sim's own numbers, the contract, and every way of being wrong."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from lls_hw.cli import main
from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.sim.array.closed_form import array_cycles
from tests.children import python

GOLDEN = Path(__file__).resolve().parents[3] / "shared" / "golden" / "scalesim" / "golden.json"
CONV = "Layer, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"
COLUMNS = ("ifmap_h", "ifmap_w", "filt_h", "filt_w", "channels", "filters", "stride")
CFG = "[general]\nrun_name = x\n\n[architecture_presets]\nArrayHeight: 8\nArrayWidth: 32\nDataflow : os\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "net.csv"
    path.write_text(CONV + "conv1, 130, 130, 3, 3, 3, 32, 2,\npw[2], 64, 64, 1, 1, 32, 64, 1, 1:1,\n")
    return path


@pytest.fixture
def cfg(tmp_path: Path) -> Path:
    path = tmp_path / "scale.cfg"
    path.write_text(CFG)
    return path


def lines(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict]:
    assert main(["cycles", *map(str, arguments), "--json", "-", "--quiet"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return json.loads(captured.out)


def test_golden__all_layers_of_scalesim_3_0_0(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    if not GOLDEN.exists():
        pytest.skip(f"{GOLDEN} is not on this machine")
    path, checked = tmp_path / "net.csv", 0
    for run in json.loads(GOLDEN.read_text())["runs"]:
        rows = [f"{layer['name']}, {', '.join(str(layer[key]) for key in COLUMNS)},\n" for layer in run["layers"]]
        path.write_text(CONV + "".join(rows))
        shape = "x".join(map(str, run["array"]))
        found = lines(
            capsys, "--topology", path, "--array", shape, "--dataflow", run["dataflow"], "--convention", "scalesim"
        )
        for line, layer in zip(found, run["layers"], strict=True):
            assert (line["name"], line["cycles"]) == (layer["name"], layer["compute_cycles"])
            assert line["utilization"] == pytest.approx(layer["overall_util"], abs=1e-6)
            assert line["mapping_efficiency"] == pytest.approx(layer["mapping_eff"], abs=1e-6)
            checked += 1
    assert checked == 201


def test_json__is_a_list_in_our_convention(capsys: pytest.CaptureFixture[str], table: Path) -> None:
    found = lines(capsys, "--topology", table, "--array", "16x8", "--dataflow", "is")
    assert [set(line) for line in found] == [
        {"name", "m", "k", "n", "cycles", "utilization", "mapping_efficiency"} for _ in range(2)
    ]
    assert [(line["name"], line["m"], line["k"], line["n"]) for line in found] == [
        ("conv1", 4096, 27, 32), ("pw[2]", 4096, 32, 64),
    ]  # fmt: skip
    assert found[0]["cycles"] == array_cycles(4096, 27, 32, ArraySpec(rows=16, cols=8, dataflow="is"))
    assert all(0 < line["utilization"] <= line["mapping_efficiency"] <= 1 for line in found)


def test_gemm_table_and_cfg__options_override(capsys: pytest.CaptureFixture[str], tmp_path: Path, cfg: Path) -> None:
    path = tmp_path / "gemm.csv"
    path.write_text("Layer,M,N,K\nfc, 1, 2, 512, 1:1,\n")
    common = ("--topology", path, "--config", cfg)
    (os_8x32,) = lines(capsys, *common)
    assert (os_8x32["m"], os_8x32["n"], os_8x32["k"]) == (1, 2, 512)
    assert os_8x32["cycles"] == array_cycles(1, 512, 2, ArraySpec(rows=8, cols=32, dataflow="os"))
    (ws_8x32,) = lines(capsys, *common, "--dataflow", "ws")
    assert ws_8x32["cycles"] == array_cycles(1, 512, 2, ArraySpec(rows=8, cols=32, dataflow="ws"))
    (os_4x4,) = lines(capsys, *common, "--array", "4X4")
    assert os_4x4["cycles"] == array_cycles(1, 512, 2, ArraySpec(rows=4, cols=4, dataflow="os"))


def test_depthwise_rows__one_line_a_channel(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "dw.csv"
    path.write_text(CONV + "DP1, 66, 66, 3, 3, 3, 1, 1,\n")
    found = lines(capsys, "--topology", path, "--array", "16x16", "--dataflow", "ws", "--convention", "scalesim")
    assert [(line["name"], line["cycles"]) for line in found] == [
        (f"DP1Channel_{channel}", 2 * 16 + 16 + 4096 - 2 - 1) for channel in range(3)
    ]


def test_table__has_layers_and_a_total(capsys: pytest.CaptureFixture[str], table: Path) -> None:
    assert main(["cycles", "--topology", str(table), "--array", "16x16", "--dataflow", "ws"]) == 0
    text = capsys.readouterr().out
    conv1, pw2 = (array_cycles(4096, k, n, ArraySpec(rows=16, cols=16, dataflow="ws")) for k, n in ((27, 32), (32, 64)))
    for part in (
        "net.csv on 16x16, ws, convention: ours",
        "conv1",
        "pw[2]",
        f"{conv1:,}",
        f"{conv1 + pw2:,}",
        "84.38%",
    ):
        assert part in text


def test_json_beside_a_table__stands_alone(capsys: pytest.CaptureFixture[str], table: Path) -> None:
    assert main(["cycles", "--topology", str(table), "--array", "16x16", "--dataflow", "ws", "--json", "-"]) == 0
    captured = capsys.readouterr()
    assert len(json.loads(captured.out)) == 2
    assert "conv1" in captured.err


@pytest.mark.parametrize("dataflow", ["ws", "os", "is"])
def test_draw__small_picture_of_the_first_layer(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, table: Path, dataflow: str
) -> None:
    picture, data = tmp_path / "out.svg", tmp_path / "out.json"
    arguments = ["--topology", str(table), "--array", "3x16", "--dataflow", dataflow, "--quiet"]
    assert main(["cycles", *arguments, "--draw", str(picture), "--json", str(data)]) == 0
    assert capsys.readouterr().out == ""
    texts = [text.text or "" for text in ET.fromstring(picture.read_text()).iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0].startswith(f"conv1: first fold of (4096, 27, 32) on 3x16 {dataflow}, clipped to (")
    sizes = {"ws": (6, 3, 4), "os": (3, 6, 4), "is": (4, 3, 6)}[dataflow]
    cycles = array_cycles(*sizes, ArraySpec(rows=3, cols=4, dataflow=dataflow))
    assert sum(text.startswith("cycle ") for text in texts) == cycles
    assert len(json.loads(data.read_text())) == 2


BAD = [
    (["--array", "16"], "--array = '16': it is not rows x columns. Write, for example, 16x16."),
    (["--array", "0x4"], "--array = '0x4': rows, columns are whole numbers from 1 to 1048576."),
    (["--array", "٣x4"], "rows, columns are whole numbers from 1 to 1048576."),
    (["--dataflow", "rs"], "--dataflow = 'rs': the dataflows are ws, os, is. Choose one."),
    (["--convention", "theirs"], "--convention = 'theirs': no such convention. Use ours or scalesim."),
    (["--json", "none/out.json"], "--json = 'none/out.json': the folder 'none' does not exist."),
    (["--draw", "none/out.svg"], "--draw = 'none/out.svg': the folder 'none' does not exist."),
    (["--json", "net.csv"], "--json = 'net.csv': another option names the same file (--topology)."),
    (["--json", "x", "--draw", "x"], "--draw = 'x': another option names the same file (--json)."),
    (["--topology", "none.csv"], "file = 'none.csv': it does not exist."),
    (["--config", "net.csv"], "cfg = 'net.csv': it is not a SCALE-Sim configuration"),
]


@pytest.mark.parametrize(
    ("change", "message"), BAD, ids=lambda value: "" if isinstance(value, str) else " ".join(value)
)
def test_wrong_input__is_said_once_and_writes_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, table: Path, change: list[str], message: str
) -> None:
    monkeypatch.chdir(table.parent)
    before = {path: path.read_bytes() for path in table.parent.iterdir()}
    good = ["cycles", "--topology", "net.csv", "--array", "4x4", "--dataflow", "ws"]
    assert main([*good, *change]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("lls-hw: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert {path: path.read_bytes() for path in table.parent.iterdir()} == before


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "--array = None: the array's sides are needed."),
        (["--array", "4x4"], "--dataflow = None: what stays in the array is needed."),
    ],
)
def test_missing_options(capsys: pytest.CaptureFixture[str], table: Path, given: list[str], message: str) -> None:
    assert main(["cycles", "--topology", str(table), *given]) == 2
    assert message in capsys.readouterr().err


def test_a_bad_line__is_named_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, table: Path
) -> None:
    table.write_text(table.read_text() + "late, 9, 9, 3, 3, 1, 1, zero,\n")
    target = tmp_path / "out.json"
    arguments = ["--topology", str(table), "--array", "4x4", "--dataflow", "ws", "--json", str(target)]
    assert main(["cycles", *arguments]) == 2
    assert "net.csv, line 4 = 'zero': it takes a whole number from 1 to 1073741824" in capsys.readouterr().err
    assert not target.exists()


def test_start__imports_no_engine(table: Path) -> None:
    code = (
        "import sys; from lls_hw.cli import main; "
        f"main(['cycles', '--topology', {str(table)!r}, '--array', '4x4', '--dataflow', 'ws', '--json', '-']); "
        "sys.exit(any(name in sys.modules for name in ('numba', 'torch', 'simpy', 'numpy')))"
    )
    python("-c", code)
