"""Row ranges on threads. Ranges write apart from each other, so their number changes no bit."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

T = TypeVar("T")


def default_threads() -> int:
    """`LLS_HW_THREADS`, or the cores this process may use."""
    chosen = os.environ.get("LLS_HW_THREADS", "")
    return max(1, int(chosen)) if chosen.isdigit() else len(os.sched_getaffinity(0))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, thread_name_prefix="lls-hw-kernel")


def ranges(length: int, parts: int) -> list[tuple[int, int]]:
    """At most `parts` half-open ranges of nearly equal length that cover 0 .. length.

    Examples
    --------
    >>> ranges(5, 2)
    [(0, 2), (2, 5)]
    """
    parts = max(1, min(parts, length))
    return [(length * i // parts, length * (i + 1) // parts) for i in range(parts)]


def run(work: Callable[[int, int], T], length: int, threads: int | None = None, *, least: int = 1) -> Sequence[T]:
    """`work(first, last)` over ranges of 0 .. length, in order of the ranges.

    Fewer than `least` elements are not worth a thread of their own.
    """
    threads = max(1, min(threads or default_threads(), length // least))
    spans = ranges(length, threads)
    if len(spans) == 1:
        return [work(*spans[0])]
    return list(_pool(threads).map(lambda span: work(*span), spans))
