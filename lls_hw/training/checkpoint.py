"""A training run on disk: whole or not at all, exact, and refused by any other run.

One npz file without pickle: a JSON header (schema, identity, scales, progress) and the codes of
every kept tensor. Tensors of a single step are left out: the next step writes them before it reads them.
"""

import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lls_hw.files import whole_file
from lls_hw.models.program.program import Program
from lls_hw.models.spec.errors import SpecError
from lls_hw.sim.functional.machine import IntegerMachine, Peak
from lls_hw.sim.functional.readback import Value
from lls_hw.sim.kernels.requant import container

SCHEMA = "lls-hw/train-checkpoint/2"
_HEADER = "header"
_BROKEN = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """Contents of a checkpoint: kept tensors, scales, and the run's progress as plain data."""

    values: Mapping[str, Value]
    seen: Mapping[str, Peak]
    fixed: Mapping[str, int]
    step: int
    progress: Mapping[str, Any]

    def restore(self, machine: IntegerMachine) -> None:
        """Put the machine where it was."""
        machine.values = dict(self.values)
        machine.scales.seen, machine.scales.fixed = dict(self.seen), dict(self.fixed)
        machine.step = self.step


def kept_names(program: Program) -> list[str]:
    """Tensors that outlive a step."""
    return sorted(name for name, tensor in program.tensors.items() if tensor.kept)


def save(path: Path, identity: str, program: Program, machine: IntegerMachine, progress: Mapping[str, Any]) -> None:
    """Write the state of a program's machine; the file is complete and on the disk before it takes the name.

    Raises
    ------
    UnwritableError : the disk refuses.
    """
    names = kept_names(program)
    header = {
        "schema": SCHEMA,
        "identity": identity,
        "step": machine.step,
        "fracs": {name: machine.values[name].frac for name in names},
        "seen": {name: [peak.code, peak.frac] for name, peak in machine.scales.seen.items()},
        "fixed": machine.scales.fixed,
        "progress": progress,
    }
    text = np.frombuffer(json.dumps(header, allow_nan=False).encode(), np.uint8)
    arrays = {f"codes/{name}": machine.values[name].codes for name in names}
    with whole_file(str(path), "--checkpoint") as name, open(name, "wb") as stream:
        np.savez(stream, allow_pickle=False, **{_HEADER: text}, **arrays)


def load(path: Path, identity: str, program: Program) -> StoredRun | None:
    """The state of this very run; None where no file exists yet. Executes nothing from the file.

    Raises
    ------
    SpecError : the file is torn or something else, or another run wrote it.
    """
    if not path.exists():
        return None
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            header = json.loads(file[_HEADER].tobytes())
            _refuse_stranger(path, header, identity)
            return _stored(header, {name: file[f"codes/{name}"] for name in kept_names(program)}, program)
    except SpecError:
        raise
    except _BROKEN as error:
        reason = str(error).partition("\n")[0][:120]
        need = f"it is no whole checkpoint ({reason or type(error).__name__})"
        raise SpecError("--checkpoint", str(path), need, "Remove it, or choose another path.") from None


def _refuse_stranger(path: Path, header: Mapping[str, Any], identity: str) -> None:
    if header["schema"] != SCHEMA:
        raise SpecError("--checkpoint", str(path), f"it is no {SCHEMA} file", "Choose another path.")
    if header["identity"] != identity:
        need = "it was written by a run with another network, rule, precision, data or option"
        raise SpecError("--checkpoint", str(path), need, "Choose another path, or repeat that run's options.")


def _stored(header: Mapping[str, Any], codes: Mapping[str, Any], program: Program) -> StoredRun:
    for name, array in codes.items():
        tensor = program.tensors[name]
        if array.shape != tensor.shape or array.dtype != container(tensor.bits):
            raise ValueError(f"{name} is {array.dtype}{array.shape}")
    return StoredRun(
        values={name: Value(array, int(header["fracs"][name])) for name, array in codes.items()},
        seen={name: Peak(int(code), int(frac)) for name, (code, frac) in header["seen"].items()},
        fixed={name: int(frac) for name, frac in header["fixed"].items()},
        step=int(header["step"]),
        progress=header["progress"],
    )
