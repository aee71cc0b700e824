"""Names of schedules."""

from typing import Literal, get_args

from lls_hw.models.spec.errors import SpecError

RunOrder = Literal["op", "fused", "best"]
SCHEDULES: tuple[RunOrder, ...] = get_args(RunOrder)
"""Op by op; groups of ops that share their tiles; the best of these and of groups that compute maps again."""


def named_schedule(where: str, name: str) -> RunOrder:
    """The name, if it is one.

    Raises
    ------
    SpecError : it is none.
    """
    if name not in SCHEDULES:
        raise SpecError(where, name, f"schedules are {', '.join(SCHEDULES)}", "Choose one of them.")
    return name
