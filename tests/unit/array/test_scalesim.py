"""SCALE-Sim's convention against SCALE-Sim's own numbers, and the reader of its files."""

import importlib.util
import json
from pathlib import Path

import pytest

from lls_hw.models.spec.accelerator import ArraySpec
from lls_hw.models.spec.errors import SpecError
from lls_hw.models.topology import ArrayConfig, ConvLayer, GemmLayer, parse_topology, read_array_config, read_topology
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
        lines = layer_cycles(topology, ArraySpec(rows=rows, cols=cols, dataflow=run["dataflow"]), convention="scalesim")
        for line, layer in zip(lines, run["layers"], strict=True):
            assert (line.name, line.cycles) == (layer["name"], layer["compute_cycles"])
            assert line.utilization == pytest.approx(layer["overall_util"], abs=1e-6)
            assert line.mapping_efficiency == pytest.approx(layer["mapping_eff"], abs=1e-6)
            checked += 1
    assert checked == 201


@pytest.mark.parametrize(("dataflow", "cycles"), [("ws", 112639), ("os", 4 * 32 * (16 + 16 + 512 - 2) - 1)])
def test_the_pointwise_layer_of_the_design(dataflow, cycles):
    assert scalesim_cycles(64, 512, 512, ArraySpec(rows=16, cols=16, dataflow=dataflow)) == cycles


def test_only_scalesim_rounds_output_sizes_up():
    topology = parse_topology(CONV + "c, 130, 129, 3, 3, 3, 32, 2,\n")
    theirs = layer_cycles(topology, ArraySpec(rows=16, cols=16), convention="scalesim")[0]
    ours = layer_cycles(topology, ArraySpec(rows=16, cols=16))[0]
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
    (layer,) = parse_topology(CONV[:-1] + " Stride Width, Sparsity,\nc, 9, 9, 3, 3, 1, 1, 2, 3, 1:1,\n")
    assert isinstance(layer, ConvLayer)
    assert (layer.stride_height, layer.stride_width) == (2, 3)


def test_columns__are_read_by_their_headings_in_any_order():
    (layer,) = parse_topology("Layer, K, N, M,\na, 1, 2, 3,\n")
    assert layer == GemmLayer(name="a", m=3, n=2, k=1)
    text = "Strides, Num Filter, Channels, Filter W, Filter H, ifmap width, IFMAP_Height, Layer Name, Batch Size\n"
    (conv,) = parse_topology(text + "1, 4, 3, 2, 1, 8, 7, c, 5\n")
    assert conv == ConvLayer(
        name="c", map_height=7, map_width=8, filter_height=1, filter_width=2, channels=3, filters=4,
        stride_height=1, stride_width=1, batch=5,
    )  # fmt: skip
    assert conv.gemm("down") == (5 * 7 * 7, 1 * 2 * 3, 4)


def test_a_batch_column__multiplies_the_pixels_and_may_be_left_out_by_a_whole_table():
    heading = CONV[:-1] + " Batch Size,\n"
    (eight,) = parse_topology(heading + "c, 8, 8, 1, 1, 4, 4, 1, 8,\n")
    assert eight.gemm("up") == (512, 4, 4)
    (one,) = parse_topology(heading + "c, 8, 8, 1, 1, 4, 4, 1,\n")
    assert one.gemm("up") == (64, 4, 4)
    with pytest.raises(SpecError, match="line 3 = 'd, 8, 8, 1, 1, 4, 4, 1': it has no 'Batch Size'"):
        parse_topology(heading + "c, 8, 8, 1, 1, 4, 4, 1, 8,\nd, 8, 8, 1, 1, 4, 4, 1,\n", "t")


def test_habits_of_real_tables__comments_tabs_marks_and_two_widths():
    plain = parse_topology(CONV + "c, 8, 9, 3, 3, 1, 2, 1,\n")
    for text in (
        CONV + "c, 8, 9, 3, 3, 1, 2, 1,#dw\n",
        CONV + "c, 8, 9, 3, 3, 1, 2, 1, depthwise\n",
        CONV + "c, 8, 9, 3, 3, 1, 2, 1,   # 8x9, 2 filters\n",
        CONV + "c,\t8,\t9,\t3,\t3,\t1,\t2,\t1\n",
        CONV + "c, 8, 9, 3, 3, 1, 2, 1, 1,\n",
        CONV + "c, 8, 9, 3, 3, 1, 2, 1, 1:1,\n",
        CONV.replace(",", "\t") + "c\t8\t9\t3\t3\t1\t2\t1\n",
        CONV.replace("IFMAP Height", "IFMAP Width") + "c, 8, 9, 3, 3, 1, 2, 1,\n",
    ):
        assert parse_topology(text) == plain


def test_a_byte_order_mark__is_no_part_of_the_heading(tmp_path):
    (tmp_path / "t.csv").write_text("Layer, M, N, K,\na, 1, 2, 3,\n", encoding="utf-8-sig")
    assert read_topology(tmp_path / "t.csv") == (GemmLayer(name="a", m=1, n=2, k=3),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"^t\.csv, line 1 = '': the first line is a heading\. Insert a heading line\.$"),
        ("a, 1, 2, 3,\n", r"^t\.csv, line 1 = 'a, 1, 2, 3,': the first line is a heading\."),
        (CONV, r"^t\.csv = 0: a topology has at least one layer\."),
        (CONV + "\nc, 9, 9, 3, 3, 1, 1, x,", r"^t\.csv, line 3 = 'x': it takes a whole number from 1 to 1073741824\."),
        (CONV + "c, 9, 9, 3, 3, 1, 1, 0,", r"^t\.csv, line 2 = '0': it takes a whole number from 1 to 1073741824\."),
        (CONV + "c, 9, 9, 3, 3, 1, 1, ٣,", r"^t\.csv, line 2 = '٣': it takes a whole number"),
        (CONV + f"c, 9, 9, 3, 3, 1, 1, {'9' * 5000},", r"^t\.csv, line 2 = '9+…9+': it takes a whole number"),
        (CONV + "c, 9, 9, 3, 3, 1,", r"^t\.csv, line 2 = 'c, 9, 9, 3, 3, 1': it has no 'Num Filter', which the"),
        (CONV + "c, 9, 9, 3", r"^t\.csv, line 2 = 'c, 9, 9, 3': it has no 'Filter Width', which the heading names"),
        (CONV + "c, 9, 9, 3, 3, 1, 1, 2, 3,", r"^t\.csv, line 2 = '3': '3' stands where the heading has no column"),
        ("L, M, N, K,\na, 1, 2, 3, 4,", r"^t\.csv, line 2 = '4': '4' stands where the heading has no column"),
        (CONV[:-1] + " Padding,\nc, 9, 9, 3, 3, 1, 1, 1, 1,", r"^t\.csv, line 1 = 'Padding': no column of that"),
        ("L, M, N, M,\na, 1, 2, 3,", r"^t\.csv, line 1 = 'M': a second column of that meaning\."),
        ("L, M, N,\na, 1, 2,", r"^t\.csv, line 1 = 'L, M, N': a gemm table needs a column 'K'\."),
        ("L, M, N, K, Strides,\na, 1, 2, 3, 1,", r"^t\.csv, line 1 = 'Strides': a gemm table has no such column\."),
        (CONV + "c, 2, 9, 3, 3, 1, 1, 1,", r"^t\.csv, line 2 = 'c': the filter is larger than the map\."),
        (CONV + "DPc, 9, 9, 3, 3, 99999, 1, 1,", r"^t\.csv, line 2: channels of a depthwise layer = 99999: it takes"),
        (CONV + "c, 9, 9, 3, 3, 1, 1, 1, 2:4,", r"^t\.csv, line 2 = '2:4': only dense layers are modelled\."),
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
    path.write_text("[general]\nrun_name = 5%\n[architecture_presets]\nArrayHeight: 8\nArrayWidth: 32\nDataflow : os\n")
    assert read_array_config(path) == ArrayConfig(rows=8, cols=32, dataflow="os")
    path.write_text("[architecture_presets]\nArrayHeight: 8\nArrayWidth: 32\n")
    assert read_array_config(path) == ArrayConfig(rows=8, cols=32, dataflow=None)
    path.write_text("[architecture_presets]\nDataflow: ws\n")
    assert read_array_config(path) == ArrayConfig(rows=None, cols=None, dataflow="ws")
    path.write_text("[architecture_presets]\nArrayHeight: 8\nArrayWidth: 32\nDataflow : rs\n")
    assert read_array_config(path).dataflow == "rs"  # whether there is one is for those to say who have dataflows
    path.write_text("[architecture_presets]\nArrayHeight: 0\n")
    with pytest.raises(SpecError, match=r"^scale\.cfg: ArrayHeight = '0': it takes a whole number from 1 to 1048576"):
        read_array_config(path)
    path.write_text("[general]\nrun_name = x\n")
    with pytest.raises(SpecError, match=r"^cfg = 'scale\.cfg': it is not a SCALE-Sim configuration"):
        read_array_config(path)


@pytest.mark.parametrize("side", [8, 16, 32])
def test_the_tables_of_the_page_are_what_the_script_prints(side):
    root = Path(__file__).resolve().parents[3]
    spec = importlib.util.spec_from_file_location("conventions", root / "scripts" / "bench" / "array_conventions.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert "\n".join(module.table(side, side)) in (root / "docs" / "scalesim.md").read_text(encoding="utf-8")
