"""A sweep as CSV and Parquet, both written whole or not at all."""

import csv
import io

from lls_hw.files import write_whole
from lls_hw.models.spec.errors import SpecError
from lls_hw.sweep.rows import COLUMNS, TEXTS, WHOLE, Row


def csv_text(rows: list[Row]) -> str:
    """Header and a line a point; numbers as Python writes them, so that reading gives the same ones back.

    Examples
    --------
    >>> csv_text([dict.fromkeys(COLUMNS) | {"id": "a1", "cycles": 7, "time_ms": 0.5}]).splitlines()[1][:3]
    'a1,'
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def write_csv(path: str, rows: list[Row]) -> None:
    """The rows as CSV."""
    write_whole(path, csv_text(rows), "--csv")


def need_parquet() -> None:
    """Refuse, before any work, a Parquet file that could not be written.

    Raises
    ------
    SpecError : pyarrow is not installed.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        need = "it needs the package pyarrow"
        raise SpecError("--parquet", "FILE", need, "Run pip install 'lls-hw[parquet]'.") from None


def write_parquet(path: str, rows: list[Row]) -> None:
    """The rows as Parquet, every column typed whether or not it holds anything."""
    import pyarrow as pa
    from pyarrow import parquet

    def kind(name: str) -> "pa.DataType":
        return pa.string() if name in TEXTS else pa.int64() if name in WHOLE else pa.float64()

    table = pa.Table.from_pylist(rows, schema=pa.schema([(name, kind(name)) for name in COLUMNS]))
    data = io.BytesIO()
    parquet.write_table(table, data)
    write_whole(path, data.getvalue(), "--parquet")
