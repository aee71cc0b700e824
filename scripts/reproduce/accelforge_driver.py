"""AccelForge's side of `accelforge.py`, run by a Python 3.12 that has it (`pip install accelforge`): JSON in, JSON out.

    python -P accelforge_driver.py < request.json > answer.json

The request holds `layers` (of one chain), `capacities_bytes`, whether only `finished` sums may leave the chip, and
whether loops may be cut unevenly (`uneven`; AccelForge's default is no). The answer holds, for each capacity, the
fewest words (of 8 bits) that cross the pins, the same by tensor, and the mapping in AccelForge's notation; all points
of the `curve` of words over bytes of room; the seconds of the search; and versions. Without AccelForge the status is 3.
"""

import io
import json
import os
import platform
import sys
import tempfile
import time
from contextlib import redirect_stdout
from importlib.metadata import version
from pathlib import Path
from typing import Any

try:
    import accelforge as af
    from accelforge.mapper import Metrics
    from accelforge.mapper.FFM.main import join_pmappings, make_pmappings
    from accelforge.model.main import evaluate_mapping
except ImportError as error:
    print(error, file=sys.stderr)
    sys.exit(3)

WORD_BITS = 8
MACHINE = """
arch:
  nodes:
  - !Memory
    name: DRAM
    size: inf
    leak_power: 0
    area: 0
    tensors: {keep: ~Intermediates, may_keep: All}
    actions: [{name: read, energy: 1, throughput: inf}, {name: write, energy: 1, throughput: inf}]
  - !Memory
    name: Pad
    size: CAPACITY_BITS
    leak_power: 0
    area: 0
    tensors: {keep: All, no_refetch_from_above: REFETCH}
    actions: [{name: read, energy: 0, throughput: inf}, {name: write, energy: 0, throughput: inf}]
  - !Compute
    name: MAC
    leak_power: 0
    area: 0
    actions: [{name: compute, energy: 0, throughput: 1}]
workload: WORKLOAD
"""
"""A bit that crosses the pins costs 1 and nothing else does: least energy is fewest words. Intermediates may stay away
from DRAM; every operand has its place in the scratchpad while it is used."""


def workload(layers: list[dict[str, Any]]) -> dict[str, Any]:
    """The chain as einsums: layer n takes map T(n-1) and weights Wn to map Tn.

    Rows p and columns q of a map are ranks of their own where a layer of the chain has windows of them; else its
    positions m are one. A layer with a window has new ones; the others have those of the layer before.
    """
    windowed = any(layer["kernel"] > 1 for layer in layers)
    axes, part = (("p", "q"), 1) if windowed else (("m",), 2)
    first = layers[0]["rows"] + layers[0]["kernel"] - 1
    shape = {f"c{number}": layer["in"] for number, layer in enumerate(layers)}
    shape |= {f"c{len(layers)}": layers[-1]["out"], **{f"{axis}0": first**part for axis in axes}}
    einsums: list[dict[str, Any]] = []
    at = 0
    for number, layer in enumerate(layers, 1):
        source, taps, before = {f"C{number - 1}": f"c{number - 1}"}, [], at
        at += layer["kernel"] > 1
        for axis, tap in zip(axes, ("r", "s"), strict=False):
            place = f"{axis}{at}"
            if at > before:
                taps.append(f"{tap}{at}")
                shape[place] = layer["rows"]
            source[f"{axis}{before}".upper()] = f"{place} + {taps[-1]}" if at > before else place
        shape |= dict.fromkeys(taps, layer["kernel"])
        einsums.append({
            "name": f"L{number}",
            "tensor_accesses": [
                {"name": f"T{number - 1}", "projection": source},
                {"name": f"W{number}", "projection": [f"c{number - 1}", f"c{number}", *taps]},
                {"name": f"T{number}", "projection": [*(f"{x}{at}" for x in axes), f"c{number}"], "output": True},
            ],
            "renames": {"input": f"T{number - 1}", "weight": f"W{number}", "output": f"T{number}"},
        })  # fmt: skip
    used = {name for einsum in einsums for access in einsum["tensor_accesses"] for name in names_in(access)}
    shape = {name: size for name, size in shape.items() if name in used}
    return {
        "iteration_space_shape": {name: f"0 <= {name} < {size}" for name, size in shape.items()},
        "bits_per_value": {"All": WORD_BITS},
        "persistent_tensors": "weight - Intermediates",
        "einsums": einsums,
    }


def names_in(access: dict[str, Any]) -> list[str]:
    """Rank variables of an operand."""
    projection = access["projection"]
    texts = projection.values() if isinstance(projection, dict) else projection
    return [name for text in texts for name in text.split(" + ")]


def specified(layers: list[dict[str, Any]], capacity_bytes: int, *, finished: bool, uneven: bool) -> Any:  # noqa: ANN401  (AccelForge has no types)
    """The chain and the machine, to be mapped for words and for room."""
    text = MACHINE.replace("CAPACITY_BITS", str(8 * capacity_bytes)).replace("WORKLOAD", json.dumps(workload(layers)))
    text = text.replace("REFETCH", "Outputs" if finished else "~All")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spec.yaml"
        path.write_text(text)
        spec = af.Spec.from_yaml(str(path))
    spec.mapper.metrics = Metrics.ENERGY | Metrics.RESOURCE_USAGE
    spec.mapper.explore_imperfect_temporal_loops = uneven
    return spec


def outline(node: Any, depth: int = 0) -> list[str]:  # noqa: ANN401
    """A mapping as lines: what lies where, loops, and what each computes; reservations left out."""
    inside = getattr(node, "nodes", None)
    if inside is None:
        text = node.compact_str()
        return [] if " reserves " in text else ["  " * depth + text]
    return [line for child in inside for line in outline(child, depth + 1)]


def detail(spec: Any, found: Any, row: int) -> dict[str, Any]:  # noqa: ANN401
    """One mapping: words by tensor and direction, words of room, and what is looped over what."""
    line = found.data.iloc[row]
    spec.model.metrics = spec.mapper.info_metrics
    try:
        spec.mapping = line["Total<SEP>mapping"](_for_model=True)
        columns = evaluate_mapping(
            spec, flattened_arches=found.flattened_arches, evaluated_specs=found.evaluated_specs
        ).data.iloc[0]
    except AssertionError:  # it cannot write every mapping that it finds down as one
        return {"moved": {}, "mapping": apart(line)}
    moved: dict[str, int] = {}
    for name, value in columns.items():
        _, *key = str(name).split("<SEP>")
        if key[:2] == ["action", "DRAM"] and value:
            moved[f"{key[2]} {key[3]}"] = moved.get(f"{key[2]} {key[3]}", 0) + round(value / WORD_BITS)
    return {"moved": moved, "mapping": outline(spec.mapping)}


def apart(line: Any) -> list[str]:  # noqa: ANN401
    """The mappings of the layers one by one."""
    names = [
        str(name) for name in line.index if str(name).endswith("<SEP>mapping") and not str(name).startswith("Total")
    ]
    return [text for name in names for text in (name.split("<SEP>")[0], *outline(line[name], 1))]


def answers(request: dict[str, Any]) -> dict[str, Any]:
    """The best mapping of each capacity, from the curve of words over room that one search gives."""
    capacities: list[int] = request["capacities_bytes"]
    spec = specified(
        request["layers"], max(capacities), finished=request["finished"], uneven=request["uneven"]
    )  # fmt: skip
    begun = time.perf_counter()
    found = join_pmappings(
        make_pmappings(spec, print_progress=False), metrics=spec.mapper.metrics, print_progress=False
    )
    seconds = time.perf_counter() - begun
    room = found.data[[name for name in found.data.columns if "reservation<SEP>Pad" in name]].max(axis=1)
    used = [round(share * max(capacities)) for share in room]
    words = [round(bits / WORD_BITS) for bits in found.data["Total<SEP>energy"]]
    rows: list[dict[str, Any] | None] = []
    for capacity in capacities:
        fit = [row for row, size in enumerate(used) if size <= capacity]
        if not fit:
            rows.append(None)
            continue
        best = min(fit, key=lambda row: (words[row], used[row]))
        rows.append({"words": words[best], "used_bytes": used[best], **detail(spec, found, best)})
    curve = sorted(zip(used, words, strict=True))
    return {"seconds": seconds, "rows": rows, "curve": curve}


def main() -> int:
    """Answer the request on standard input."""
    request = json.load(sys.stdin)
    af.set_n_parallel_jobs(1)
    os.environ.setdefault("MPLBACKEND", "agg")
    with redirect_stdout(io.StringIO()):
        answer = answers(request)
    versions = {"accelforge": version("accelforge"), "Python": platform.python_version()}
    json.dump({"versions": versions, **answer}, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
