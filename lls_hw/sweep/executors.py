"""The places where tasks run: this machine's cores through joblib, or a Dask cluster; tasks in, outcomes out.

Outcomes come in whatever order they are finished. A worker that dies costs the tasks it was at, never the sweep.
"""

import contextlib
import os
import re
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from itertools import islice
from typing import Any, Protocol

from lls_hw.models.spec.errors import SpecError
from lls_hw.processes import deaf_children
from lls_hw.sweep.identity import MODEL_VERSION
from lls_hw.sweep.points import Outcome, Task
from lls_hw.sweep.tasks import evaluate_all

MOST_CHUNK = 8
"""Cost points a dispatch: enough to hide its milliseconds, few enough that a kill loses little."""

CONNECT_S = 10
"""The wait for a scheduler, and for its first worker."""


class Executor(Protocol):
    """Something that evaluates tasks; `is_local` where workers see this machine's files."""

    is_local: bool

    def run(self, tasks: Sequence[Task]) -> Generator[list[Outcome]]:
        """Outcomes as they are finished, each task's once."""


def chunks(tasks: Sequence[Task], workers: int) -> list[list[Task]]:
    """Cost points several at a time, neighbours together since they share work; what learns one by one.

    Examples
    --------
    >>> from types import SimpleNamespace as Any
    >>> [len(part) for part in chunks([Any(kind="cost")] * 100 + [Any(kind="train")] * 2, 2)]
    [8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 4, 1, 1]
    """
    costs = [task for task in tasks if task.kind == "cost"]
    size = max(1, min(MOST_CHUNK, len(costs) // (4 * workers)))
    parts = [costs[at : at + size] for at in range(0, len(costs), size)]
    return parts + [[task] for task in tasks if task.kind != "cost"]


def dead(task: Task, why: str) -> Outcome:
    """The outcome of a task that took its worker with it."""
    return {
        "id": task.id, "kind": task.kind, "status": "failed", "error": why, "result": None, "seconds": 0.0,
        "model_version": MODEL_VERSION,
    }  # fmt: skip


def begin_worker(parent: int) -> None:
    """A worker process of this machine uses one thread, and does not outlive its parent, dead or alive by now."""
    os.environ["LLS_HW_THREADS"] = "1"
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _leave_with(parent: int, every_s: float = 0.5) -> None:
    """End this process soon after its parent: a killed sweep leaves nobody behind that holds memory."""
    while os.getppid() == parent:
        time.sleep(every_s)
    os._exit(1)


class LocalExecutor:
    """joblib's worker processes; one job runs in this process."""

    is_local = True

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def run(self, tasks: Sequence[Task]) -> Generator[list[Outcome]]:
        """All of them, whatever becomes of the workers."""
        if self.jobs == 1:
            for task in tasks:
                yield evaluate_all([task])
            return
        left = {task.id: task for task in tasks}
        while left:
            parts = chunks(list(left.values()), self.jobs)
            try:
                with closing(self._parallel(parts, max(2, min(self.jobs, len(parts))))) as found:
                    for outcomes in found:
                        for outcome in outcomes:
                            del left[outcome["id"]]
                        yield outcomes
            except _worker_deaths():
                yield from self._alone(left, parts)

    def _parallel(self, parts: list[list[Task]], jobs: int) -> Generator[list[Outcome]]:
        from multiprocessing import resource_tracker

        from joblib import Parallel, delayed

        how = {"inner_max_num_threads": 1, "initializer": begin_worker, "initargs": (os.getpid(),)}
        pool = Parallel(jobs, "loky", return_as="generator_unordered", batch_size=1, max_nbytes=None, **how)
        resource_tracker.ensure_running()  # its start would let signals in again
        with deaf_children():
            found = pool(delayed(evaluate_all)(part) for part in parts)
        try:
            for outcomes in found:  # noqa: UP028  ('yield from' would close it before 'finally' is reached)
                yield outcomes
        finally:
            with warnings.catch_warnings(action="ignore"):  # it warns that tasks are cancelled, which is the point
                found.close()

    def _alone(self, left: dict[str, Task], parts: list[list[Task]]) -> Generator[list[Outcome]]:
        """Whoever was at work when a worker died, each in a pool of its own: only a killer dies again."""
        open_parts = (part for part in parts if any(task.id in left for task in part))
        under_way = islice(open_parts, 2 * self.jobs)  # joblib hands out no more at once
        for task in [task for part in under_way for task in part if task.id in left]:
            try:
                outcomes = list(self._parallel([[task], []], 2))  # (one job would be this process)
            except _worker_deaths():
                outcomes = [[dead(task, "its worker process died twice: killed, or out of memory")]]
            del left[task.id]
            yield outcomes[0] or outcomes[-1]


def _worker_deaths() -> type[BaseException]:
    from joblib.externals.loky.process_executor import BrokenProcessPool

    found: type[BaseException] = BrokenProcessPool
    return found


class ClusterExecutor:
    """A Dask scheduler's workers; it gives a dead worker's tasks to others."""

    is_local = False

    def __init__(self, client: Any, workers: int) -> None:  # noqa: ANN401  (distributed has no types)
        self.client, self.workers = client, workers

    def run(self, tasks: Sequence[Task]) -> Generator[list[Outcome]]:
        """All of them; a few chunks a worker are under way at once."""
        from distributed import as_completed

        waiting = iter(chunks(tasks, self.workers))
        under_way: dict[str, list[Task]] = {}

        def submit(part: list[Task]) -> Any:  # noqa: ANN401
            future = self.client.submit(evaluate_all, part, pure=False)
            under_way[future.key] = part
            return future

        started = [submit(part) for part in islice(waiting, 4 * self.workers)]
        done = as_completed(started, loop=self.client.loop)
        for future in done:
            part = under_way.pop(future.key)
            outcomes = self._result(future, part)
            following = next(waiting, None)
            if following is not None:
                done.add(submit(following))
            yield outcomes

    def _result(self, future: Any, part: list[Task]) -> list[Outcome]:  # noqa: ANN401
        error = future.exception()
        if error is None:
            outcomes: list[Outcome] = future.result()
            return outcomes
        return [
            dead(task, f"its worker died: {type(error).__name__}: {' '.join(str(error).split())[:200]}")
            for task in part
        ]


def model_version() -> tuple[str, int]:
    """Package and model of the process that is asked."""
    from lls_hw.files import package_version

    return package_version(), MODEL_VERSION


@contextlib.contextmanager
def cluster(address: str) -> Iterator[Executor]:
    """A connection to a scheduler whose workers run this very model.

    Raises
    ------
    SpecError : no scheduler, no workers, or workers without this version of lls-hw.
    """
    if re.fullmatch(r"(tcp|tls)://\S+:\d+", address) is None:
        need = "it is not the address of a scheduler"
        raise SpecError("--cluster", address, need, "Write tcp://HOST:PORT, as 'dask scheduler' prints it.")
    try:
        from distributed import Client
    except ImportError:
        need = "it needs the package distributed"
        raise SpecError("--cluster", address, need, "Run pip install 'lls-hw[cluster]'.") from None
    try:
        client = Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        need = f"no scheduler answers there ({' '.join(str(error).split())[:120]})"
        raise SpecError("--cluster", address, need, "Start one with 'dask scheduler'.") from None
    try:
        yield ClusterExecutor(client, _checked_workers(client, address))
    finally:
        client.close()


def _checked_workers(client: Any, address: str) -> int:  # noqa: ANN401
    with contextlib.suppress(Exception):
        client.wait_for_workers(1, timeout=CONNECT_S)
    threads: int = sum(client.nthreads().values())
    if threads == 0:
        raise SpecError("--cluster", address, "no worker has joined it", f"Start some with 'dask worker {address}'.")
    try:
        found = set(client.run(model_version).values())
    except Exception as error:  # whatever a worker without the package says
        need = f"a worker cannot load lls-hw ({type(error).__name__}: {' '.join(str(error).split())[:120]})"
        raise SpecError("--cluster", address, need, "Install this version where the workers run.") from None
    if found != {model_version()}:
        versions = ", ".join(f"{package} (model {model})" for package, model in sorted(found))
        need = f"its workers run lls-hw {versions}, and this is {'{} (model {})'.format(*model_version())}"
        raise SpecError("--cluster", address, need, "Install one version everywhere.")
    return threads


def default_jobs() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0))


def executor_for(address: str | None, jobs: int | None) -> AbstractContextManager[Executor]:
    """The cluster at an address, or so many processes here."""
    if address is not None:
        return cluster(address)
    if jobs is not None and jobs < 1:
        raise SpecError("--jobs", jobs, "somebody has to work", "Use 1 or more.")
    here: Callable[[], Executor] = lambda: LocalExecutor(jobs or default_jobs())  # noqa: E731
    return contextlib.nullcontext(here())
