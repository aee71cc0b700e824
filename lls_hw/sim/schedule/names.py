"""Names of schedules."""

from typing import Literal, get_args

from lls_hw.models.spec.errors import SpecError

ScheduleName = Literal["op", "fused", "best"]
SCHEDULES: tuple[ScheduleName, ...] = get_args(ScheduleName)
"""Op by op; groups of ops that share their tiles; the best of these and of groups that compute maps again."""


def named_schedule(where: str, name: str) -> ScheduleName:
    """The name, if it is one.

    Raises
    ------
    SpecError : it is none.
    """
    if name not in SCHEDULES:
        raise SpecError(where, name, f"schedules are {', '.join(SCHEDULES)}", "Choose one of them.")
    return name
