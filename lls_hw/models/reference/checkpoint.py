"""A training run on disk: written whole or not at all, refused when it belongs to another run."""

import pickle
import warnings
from pathlib import Path
from typing import Any

import torch

from lls_hw.files import whole_file
from lls_hw.models.spec.errors import SpecError

SCHEMA = "lls-hw/checkpoint/1"


def save_checkpoint(path: Path, identity: str, state: dict[str, Any]) -> None:
    """Write a run's state; a crash while writing leaves the previous file.

    The new file is complete and on the disk before it takes the name.
    """
    with whole_file(str(path), "--checkpoint") as name, open(name, "wb") as stream:
        torch.save({"schema": SCHEMA, "identity": identity, "state": state}, stream)


def load_checkpoint(path: Path, identity: str) -> dict[str, Any] | None:
    """The state of a run, None where no file exists yet. The reader executes no code from the file.

    Raises
    ------
    SpecError : the file is not a checkpoint, or belongs to a run with other inputs.
    """
    if not path.exists():
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd pickles; the error that follows says enough
            stored = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        reason = str(error).partition("\n")[0][:120]
        raise SpecError("--checkpoint", str(path), f"it is no checkpoint ({reason})", "Remove it.") from None
    if not isinstance(stored, dict) or stored.get("schema") != SCHEMA:
        raise SpecError("--checkpoint", str(path), f"it is no {SCHEMA} file", "Choose another path.")
    if stored["identity"] != identity:
        need = "it was written by a run with another network, rule, data or option"
        raise SpecError("--checkpoint", str(path), need, "Choose another path, or repeat that run's options.")
    state: dict[str, Any] = stored["state"]
    return state
