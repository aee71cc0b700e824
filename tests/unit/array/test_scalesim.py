"""SCALE-Sim's convention against SCALE-Sim's own numbers, and the reader of its files."""

import importlib.util
import json
from pathlib import Path

import pytest

from lls_hw.models.spec.errors import SpecError
from lls_hw.models.topology import ConvLayer, GemmLayer, parse_topology, read_array_config, read_topology
from lls_hw.sim.cost.scalesim import layer_cycles, scalesim_cycles

GOLDEN = Path(__file__).resolve().parents[4] / "shared" / "golden" / "scalesim" / "golden.json"
CONV = "Layer, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"


def conv_rows(layers):
    keys = ("ifmap_h", "ifmap_w", "filt_h", "filt_w", "channels", "filters", "stride")
    return CONV + "".join(f"{layer['name']}, {', '.join(str(layer[key]) for key in keys)},\n" for layer in layers)


def test_golden__scalesim_3_0_0():
    if not GOLDEN.exists():
        pytest.skip(f"{GOLDEN} is not on this machine")
    checked = 0
    for run in json.loads(GOLDEN.read_text())["runs"]:
        rows, cols = run["array"]
        topology = parse_topology(conv_rows(run["layers"]))
        lines = layer_cycles(topology, rows=rows, cols=cols, dataflow=run["dataflow"], convention="scalesim")
        for line, layer in zip(lines, run["layers"], strict=True):
            assert (line.name, line.cycles) == (layer["name"], layer["compute_cycles"])
            assert line.utilization == pytest.approx(layer["overall_util"], abs=1e-6)
            assert line.mapping_efficiency == pytest.approx(layer["mapping_eff"], abs=1e-6)
            checked += 1
    assert checked == 201


@pytest.mark.parametrize(("dataflow", "cycles"), [("ws", 112639), ("os", 4 * 32 * (16 + 16 + 512 - 2) - 1)])
def test_the_pointwise_layer_of_the_design(dataflow, cycles):
    assert scalesim_cycles(64, 512, 512, rows=16, cols=16, dataflow=dataflow) == cycles


def test_only_scalesim_rounds_output_sizes_up():
    topology = parse_topology(CONV + "c, 130, 129, 3, 3, 3, 32, 2,\n")
    theirs = layer_cycles(topology, rows=16, cols=16, dataflow="ws", convention="scalesim")[0]
    ours = layer_cycles(topology, rows=16, cols=16, dataflow="ws")[0]
    assert (theirs.m, ours.m, ours.k, ours.n) == (65 * 64, 64 * 64, 27, 32)
    assert 0 < ours.utilization < 1 < theirs.utilization


def test_gemm_rows_and_trailing_commas():
    assert parse_topology("Layer,M,N,K\na,1,2,3\n\n b , 4, 5, 6, 1:1,\n") == (
        GemmLayer(name="a", m=1, n=2, k=3),
        GemmLayer(name="b", m=4, n=5, k=6),
    )


def test_depthwise_rows_become_one_layer_a_channel():
    layers = parse_topology(CONV + "DPone, 10, 8, 3, 3, 2, 1, 1,\n")
    assert [layer.name for layer in layers] == ["DPoneChannel_0", "DPoneChannel_1"]
    assert layers[0].gemm("down") == (48, 9, 1)


def test_a_second_stride_is_the_width_s():
    (layer,) = parse_topology(CONV + "c, 9, 9, 3, 3, 1, 1, 2, 3, 1:1,\n")
    assert isinstance(layer, ConvLayer)
    assert (layer.stride_height, layer.stride_width) == (2, 3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"^t\.csv, line 1 = '': the first line is a heading\. Insert a heading line\.$"),
        ("a, 1, 2, 3,\n", r"^t\.csv, line 1 = 'a, 1, 2, 3,': the first line is a heading\."),
        (CONV, r"^t\.csv = 0: a topology has at least one layer\."),
        (CONV + "\nc, 9, 9, 3, 3, 1, 1, x,", r"^t\.csv, line 3 = 'x': a size is a positive whole number\."),
        (CONV + "c, 9, 9, 3, 3, 1, 1, 0,", r"^t\.csv, line 2 = '0': a size is a positive whole number\."),
        (CONV + "c, 9, 9, 3, 3, 1,", r"^t\.csv, line 2 = 'c, 9, 9, 3, 3, 1,': a row has a name and 3 \(GEMM\), 7 or 8"),
        (CONV + "c, 2, 9, 3, 3, 1, 1, 1,", r"^t\.csv, line 2 = .*: the filter is larger than the map\."),
        (CONV + "c, 9, 9, 3, 3, 1, 1, 1, 2:4,", r"^t\.csv, line 2 = '2:4': only dense layers are modelled\."),
        ("L, M, K, N,\na, 1, 2, 3,", r"^t\.csv, line 1 = 'L, M, K, N': the columns are M, N, K in this order\."),
    ],
)
def test_bad_tables_say_which_line(tmp_path, text, message):
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(SpecError, match=message):
        read_topology(path)


def test_missing_and_unreadable_files(tmp_path):
    with pytest.raises(SpecError, match=r"^file = '.*none\.csv': it does not exist\. Check the path\.$"):
        read_topology(tmp_path / "none.csv")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecError, match=r"it cannot be read"):
        read_topology(tmp_path / "binary.csv")


def test_cfg(tmp_path):
    path = tmp_path / "scale.cfg"
    path.write_text("[general]\nrun_name = x\n[architecture_presets]\nArrayHeight: 8\nArrayWidth: 32\nDataflow : os\n")
    assert read_array_config(path) == (8, 32, "os")
    path.write_text("[architecture_presets]\nArrayHeight: 8\nArrayWidth: 32\nDataflow : rs\n")
    with pytest.raises(SpecError, match=r"^scale\.cfg: Dataflow = 'rs': no such dataflow\. Use ws, os or is\.$"):
        read_array_config(path)
    path.write_text("[architecture_presets]\nArrayHeight: 8\n")
    with pytest.raises(SpecError, match=r"^cfg = 'scale\.cfg': it is not a SCALE-Sim configuration"):
        read_array_config(path)


def test_a_side_of_zero_is_refused():
    with pytest.raises(SpecError, match=r"^array\.cols = 0: every size must be positive\. Use 1 or more\.$"):
        layer_cycles((), rows=1, cols=0, dataflow="ws")


@pytest.mark.parametrize("side", [8, 16, 32])
def test_the_tables_of_the_page_are_what_the_script_prints(side):
    root = Path(__file__).resolve().parents[3]
    spec = importlib.util.spec_from_file_location("conventions", root / "scripts" / "bench" / "array_conventions.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert "\n".join(module.table(side, side)) in (root / "docs" / "scalesim.md").read_text(encoding="utf-8")
