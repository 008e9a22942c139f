"""Data frames as blocks: Arrow tables where that can be, lists of dicts elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = 16384


class Blocks:
    """Something that makes blocks anew each time it is iterated."""

    def __init__(self, make: Any, *args: Any) -> None:
        self._make = make
        self._args = args

    def __iter__(self) -> Iterator[Any]:
        return iter(self._make(*self._args))


def pandas_blocks(frame: Any) -> Blocks:
    """A pandas frame, without its index, a slice at a time."""
    return Blocks(_pandas_blocks, frame)


def lazy_blocks(frame: Any) -> Blocks:
    """A polars LazyFrame, a batch at a time where this polars can do that."""
    return Blocks(_lazy_blocks, frame)


def polars_table(frame: Any) -> Any:
    """A polars frame as others can read it; what they can't is an error that names the column."""
    import polars as pl

    from revrag.errors import InvalidArgumentError

    for name, kind in frame.schema.items():
        # Their Arrow form is polars' own.
        if str(kind) in {"Int128", "UInt128"}:
            raise InvalidArgumentError(
                f"column {name!r}: it holds {kind}, integers beyond 64 bits; cast it to text"
            )
    if pl.Null in frame.schema.values():
        frame = frame.with_columns(pl.col(pl.Null).cast(pl.String))
    return frame


def _pandas_blocks(frame: Any) -> Iterator[Any]:
    names = list(frame.columns)
    odd = next((name for name in names if not isinstance(name, str)), None)
    if odd is not None:
        raise TypeError(f"a column's name is of type {type(odd).__name__}; names must be str")
    pa = _pyarrow()
    for start in range(0, len(frame), ROWS):
        part = frame.iloc[start : start + ROWS]
        yield _block(pa, part, names)
    if len(frame) == 0:
        # Its columns are checked all the same.
        yield _block(pa, frame, names)


def _pyarrow() -> Any:
    try:
        import pyarrow as pa
    except ImportError:
        return None
    return pa


def _block(pa: Any, part: Any, names: list[str]) -> Any:
    """The rows as an Arrow table, or as dicts where a column's values decide on its type."""
    if pa is None or any(map(_is_mixed, part.items())):
        return _as_dicts(part, names)
    try:
        return pa.Table.from_pandas(part, preserve_index=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return _as_dicts(part, names)


def _is_mixed(item: tuple[str, Any]) -> bool:
    """Whether pyarrow would make of a column's slice what its values suggest.

    Then a number would be written in one way or another, as its neighbours are.
    """
    from pandas.api.types import infer_dtype, is_object_dtype

    column = item[1]
    return is_object_dtype(column) and infer_dtype(column) not in {"string", "empty"}


def _as_dicts(part: Any, names: list[str]) -> list[dict[str, Any]]:
    columns = [part.iloc[:, at].tolist() for at in range(len(names))]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _lazy_blocks(frame: Any) -> Iterator[Any]:
    if hasattr(frame, "collect_batches"):
        batches = frame.collect_batches(chunk_size=ROWS, maintain_order=True)
        yield from map(polars_table, batches)
    else:
        yield polars_table(frame.collect(engine="streaming"))
