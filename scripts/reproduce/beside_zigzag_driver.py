"""ZigZag's side of `beside_zigzag.py`, run by a Python that has it (`pip install zigzag-dse six`): JSON in, JSON out.

    python beside_zigzag_driver.py < request.json > answer.json

The request holds `machine`, `layers` and `lpf_limit`; the answer, for each layer, words read and written by memory and
operand and energies in pJ, and versions.
"""

import json
import logging
import platform
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml
from zigzag import api

OPERANDS = {"O": "O", "W": "I2", "I": "I1"}
HELD = {"area": 0, "latency": 1, "auto_cost_extraction": False}


def port(name: str, kind: str, bits: int, *allocation: str) -> dict[str, Any]:
    """A port of a memory; `bits` each cycle."""
    return {
        "name": name, "type": kind, "bandwidth_min": bits, "bandwidth_max": bits, "allocation": list(allocation)
    }  # fmt: skip


def weight_stationary(machine: dict[str, Any]) -> dict[str, Any]:
    """Memories beside the array: a weight in each element, sums below the columns."""
    sums = machine["sums"]
    return {
        "weight": {
            **HELD, "size": 8, "r_cost": 0, "w_cost": 0, "operands": ["I2"], "served_dimensions": [],
            "ports": [port("r_port_1", "read", 8, "I2, tl"), port("w_port_1", "write", 8, "I2, fh")],
        },
        "sums": {
            **HELD, "size": sums["entries"] * sums["word_bits"], "r_cost": sums["read_pj"], "w_cost": sums["write_pj"],
            "operands": ["O"], "served_dimensions": ["D1"], "ports": sum_ports(sums["word_bits"]),
        },
    }  # fmt: skip


def channel_a_lane(machine: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    """Memories beside the vector unit, at no price as in its multiply-add: a lane has a channel's taps, one sum, and
    lines of input for a window that slides along them.
    """
    taps, line = layer["kernel"] ** 2, layer["kernel"] * (layer["in_cols"] + 2 * layer["padding"])
    free = {**HELD, "r_cost": 0, "w_cost": 0, "served_dimensions": []}
    bits = machine["sums"]["word_bits"]
    return {
        "weight": {
            **free, "size": 8 * taps, "operands": ["I2"],
            "ports": [port("r_port_1", "read", 8, "I2, tl"), port("w_port_1", "write", 8, "I2, fh")],
        },
        "lines": {
            **free, "size": 8 * line, "operands": ["I1"],
            "ports": [port("r_port_1", "read", 8, "I1, tl"), port("w_port_1", "write", 8, "I1, fh")],
        },
        "sums": {**free, "size": bits, "operands": ["O"], "ports": sum_ports(bits)},
    }  # fmt: skip


def sum_ports(bits: int) -> list[dict[str, Any]]:
    """Two reads and two writes at once: for the adder, and for what leaves or comes back."""
    ways = (("read", 1, "tl"), ("read", 2, "th"), ("write", 1, "fh"), ("write", 2, "fl"))
    return [port(f"{kind[0]}_port_{number}", kind, bits, f"O, {way}") for kind, number, way in ways]


def accelerator(machine: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    """The unit that runs the layer with what lies beside it, a scratchpad of ports a word wide, and DRAM."""
    pad, dram = machine["pad"], machine["dram"]
    word, burst = pad["word_bits"], dram["word_bits"]
    depthwise = layer["depthwise"]
    sizes = {"D1": machine["lanes"]} if depthwise else {"D1": machine["rows"], "D2": machine["cols"]}
    memories = {
        **(channel_a_lane(machine, layer) if depthwise else weight_stationary(machine)),
        "pad": {
            **HELD, "size": pad["capacity_bytes"] * 8, "r_cost": pad["read_pj"], "w_cost": pad["write_pj"],
            "operands": ["I1", "I2", "O"], "served_dimensions": list(sizes), "force_double_buffering": True,
            "ports": [
                port("rw_port_1", "read_write", word, "I1, tl"), port("rw_port_2", "read_write", word, "I2, tl"),
                port("rw_port_3", "read_write", word, "O, tl", "O, fl"),
                port("rw_port_4", "read_write", word, "I1, fh", "I2, fh", "O, fh", "O, th"),
            ],
        },
        "dram": {
            **HELD, "size": 1 << 40, "r_cost": dram["read_pj"], "w_cost": dram["write_pj"],
            "operands": ["I1", "I2", "O"], "served_dimensions": list(sizes),
            "ports": [
                port(
                    "rw_port_1", "read_write", burst,
                    "I1, fh", "I1, tl", "I2, fh", "I2, tl", "O, fh", "O, tl", "O, fl", "O, th",
                )
            ],
        },
    }  # fmt: skip
    array = {
        "input_precision": [8, 8], "unit_energy": machine["lane_mac_pj" if depthwise else "mac_pj"], "unit_area": 1,
        "dimensions": list(sizes), "sizes": list(sizes.values()),
    }  # fmt: skip
    return {"name": "edge", "memories": memories, "operational_array": array}


def workload(layer: dict[str, Any]) -> dict[str, Any]:
    """A convolution of a batch; a product has one pixel and one tap. Sums of 32 bits leave as `out_bits`."""
    stride = layer["stride"]
    places = ["OY", "OX", "FY", "FX"]
    sizes = [layer[key] for key in ("out_rows", "out_cols", "kernel", "kernel")]
    equation, dims, channels = "O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]", ["K", "C"], ["out", "in"]
    if layer["depthwise"]:
        equation, dims, channels = "O[b][g][oy][ox]+=W[g][fy][fx]*I[b][g][iy][ix]", ["G"], ["out"]
    return {
        "id": 0, "name": layer["name"], "operator_type": "Conv", "equation": equation,
        "dimension_relations": [f"ix={stride}*ox+1*fx", f"iy={stride}*oy+1*fy"],
        "loop_dims": ["B", *dims, *places],
        "loop_sizes": [layer["batch"], *(layer[key] for key in channels), *sizes],
        "operand_precision": {"W": 8, "I": 8, "O": 32, "O_final": layer["out_bits"]},
        "operand_source": {"I": 0, "W": 0},
        "pr_loop_dims": ["IX", "IY"], "pr_loop_sizes": [layer["in_cols"], layer["in_rows"]],
        "padding": [[layer["padding"]] * 2] * 2,
    }  # fmt: skip


def mapping(machine: dict[str, Any], layer: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows take input channels, and the taps of a line where there are few channels; columns take output channels. A
    lane takes a channel.
    """
    rows = [f"C, {min(machine['rows'], layer['in'])}"]
    if layer["in"] * layer["kernel"] <= machine["rows"]:
        rows.append(f"FX, {layer['kernel']}")
    spatial = {"D1": rows, "D2": [f"K, {machine['cols']}"]}
    if layer["depthwise"]:
        spatial = {"D1": [f"G, {min(machine['lanes'], layer['out'])}"]}
    return [{"name": "default", "spatial_mapping": spatial, "memory_operand_links": OPERANDS}]


def answer(evaluation: Any) -> dict[str, Any]:  # noqa: ANN401  (ZigZag's own class)
    """Words and energies of one layer's evaluation, by operand from the innermost memory outwards."""
    words = {
        str(operand): [
            {str(key): int(value) for key, value in vars(level).get("data", vars(level)).items()} for level in levels
        ]
        for operand, levels in evaluation.memory_word_access.items()
    }
    energy = {str(operand): [float(x) for x in levels] for operand, levels in evaluation.mem_energy_breakdown.items()}
    return {"mac_pj": float(evaluation.mac_energy), "words": words, "memory_pj": energy}


def main() -> int:
    """Answer one request."""
    request = json.load(sys.stdin)
    logging.disable(logging.INFO)
    answers = []
    with tempfile.TemporaryDirectory() as folder:
        for layer in request["layers"]:
            parts = {"machine": accelerator(request["machine"], layer), "mapping": mapping(request["machine"], layer)}
            for name, part in parts.items():
                (Path(folder) / f"{name}.yaml").write_text(yaml.safe_dump(part, sort_keys=False))
            *_, evaluations = api.get_hardware_performance_zigzag(
                [workload(layer)], f"{folder}/machine.yaml", f"{folder}/mapping.yaml", opt="energy",
                dump_folder=folder, pickle_filename=f"{folder}/all.pickle", loma_show_progress_bar=False,
                lpf_limit=request["lpf_limit"],
            )  # fmt: skip
            answers.append(answer(evaluations[0][0]))
    versions = {"zigzag-dse": version("zigzag-dse"), "Python": platform.python_version()}
    json.dump({"versions": versions, "layers": answers}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
