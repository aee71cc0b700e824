"""The complaint of a replay: what was to be read, where, and what is missing."""


class ReplayError(Exception):
    """A schedule that cannot be carried out, or that does not do what it is said to do.

    Attributes
    ----------
    op, tile : where in the schedule.
    tensor, region : what was to be read or moved.
    """

    def __init__(self, need: str, *, op: str = "", tile: str = "", tensor: str = "", region: str = "") -> None:
        self.op, self.tile, self.tensor, self.region, self.need = op, tile, tensor, region, need
        where = ", ".join(part for part in (op, tile) if part)
        what = f"{tensor}[{region}]" if region else tensor
        super().__init__(": ".join(part for part in (where, what, need) if part))
