"""The float reference in a process of its own: torch loads there while the chip is simulated here.

Importing torch takes longer than a training step of the default network, and most of it holds the
interpreter's lock. The child loads it at once; the parent sends the run and its first batch as soon
as it has them, goes on with costs and integers, then sends the integers' tensors and gets the comparison back.
"""

import importlib
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import IO, Any, Self

from numpy.typing import NDArray

from lls_hw.config import RunSpec
from lls_hw.fidelity.against_float import AgainstFloat, compare_tensors, reference_parameters, reference_tensors
from lls_hw.models.program.program import Program
from lls_hw.models.spec.errors import SpecError
from lls_hw.processes import deaf_children
from lls_hw.sim.functional.readback import Value


class ReferenceProcess:
    """The child, as its parent sees it; a context manager, so that no child outlives its run."""

    def __init__(self) -> None:
        with deaf_children():
            self._child = subprocess.Popen(
                [sys.executable, "-m", "lls_hw.fidelity.reference_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**os.environ, "OMP_NUM_THREADS": "1"},  # the kernels want the other core
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.kill()
        self._child.communicate()

    def _send(self, thing: object) -> None:
        pipe = self._child.stdin
        assert pipe is not None
        try:
            pickle.dump(thing, pipe, protocol=pickle.HIGHEST_PROTOCOL)
            pipe.flush()
        except BrokenPipeError:
            raise AssertionError(f"the reference's process ended with status {self._child.wait()}") from None

    def begin(
        self, run: RunSpec, program: Program, before: Mapping[str, Value], x: Value, labels: NDArray[Any]
    ) -> None:
        """Let it take the step from these kept tensors, input codes and labels."""
        self._send((run, program, reference_parameters(run, program, before), x, labels))

    def compare(self, after: Mapping[str, Value]) -> tuple[AgainstFloat, ...]:
        """The comparison of the integers' tensors; waits for the reference if it must.

        Raises
        ------
        SpecError : the reference of a user's rule cannot take the step.
        """
        self._send(dict(after))
        pipe = self._child.stdout
        assert pipe is not None
        try:
            answer: tuple[AgainstFloat, ...] | SpecError = pickle.load(pipe)
        except EOFError:
            raise AssertionError(f"the reference's process ended with status {self._child.wait()}") from None
        if isinstance(answer, SpecError):
            raise answer
        return answer


def serve(source: IO[bytes], target: IO[bytes]) -> None:
    """The child's side: one run, one comparison; torch is loaded while the run is still awaited."""
    importlib.import_module("lls_hw.models.reference.step")
    run, program, parameters, x, labels = pickle.load(source)
    try:
        expected = reference_tensors(run, parameters, x, labels)
    except SpecError as error:
        pickle.load(source)  # the parent hears the answer when it has sent its tensors
        pickle.dump(error, target)
    else:
        pickle.dump(compare_tensors(program, expected, pickle.load(source)), target)
    target.flush()


if __name__ == "__main__":
    with suppress(EOFError, pickle.UnpicklingError, BrokenPipeError):  # its parent is gone
        serve(sys.stdin.buffer, sys.stdout.buffer)
