"""Names of schedules."""

from typing import Literal, cast, get_args

from lls_hw.models.spec.choices import chosen

RunOrder = Literal["op", "fused", "best"]
SCHEDULES: tuple[RunOrder, ...] = get_args(RunOrder)
"""Op by op; groups of ops that share their tiles; the best of these and of groups that compute maps again."""


def named_schedule(where: str, name: str) -> RunOrder:
    """The name, if it is one.

    Raises
    ------
    SpecError : it is none.
    """
    return cast("RunOrder", chosen(where, name, SCHEDULES, "schedules are"))
