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
    from revrag.errors import InvalidArgumentError

    for name, kind in frame.schema.items():
        # Their Arrow form is polars' own.
        if str(kind) in {"Int128", "UInt128"}:
            raise InvalidArgumentError(
                f"column {name!r}: it holds {kind}, integers beyond 64 bits; cast it to text"
            )
    known = {name: _without_null(kind) for name, kind in frame.schema.items()}
    changed = {name: kind for name, kind in known.items() if kind != frame.schema[name]}
    return frame.cast(changed) if changed else frame


def _without_null(kind: Any) -> Any:
    """The type with text in place of nothing at all, whose Arrow form is polars' own too."""
    import polars as pl

    if kind == pl.Null:
        return pl.String
    if isinstance(kind, pl.List):
        return pl.List(_without_null(kind.inner))
    if isinstance(kind, pl.Array):
        return pl.Array(_without_null(kind.inner), kind.size)
    if isinstance(kind, pl.Struct):
        fields = {field.name: _without_null(field.dtype) for field in kind.fields}
        return pl.Struct(fields)
    return kind


def _pandas_blocks(frame: Any) -> Iterator[Any]:
    from revrag.errors import InvalidArgumentError

    names = list(frame.columns)
    odd = next((name for name in names if not isinstance(name, str)), None)
    if odd is not None:
        kind = type(odd).__name__
        raise InvalidArgumentError(
            f"source: a column's name is of type {kind}; names must be str, as after "
            "frame.columns = [str(name) for name in frame.columns]"
        )
    pa = _pyarrow()
    # Without rows, its columns are checked all the same.
    for start in range(0, max(len(frame), 1), ROWS):
        try:
            block = _block(pa, frame.iloc[start : start + ROWS], names)
        except InvalidArgumentError:
            raise
        except Exception as error:
            kind = type(error).__name__
            raise InvalidArgumentError(
                f"source: pandas could not read its rows from {start} on ({kind}: {error})"
            ) from error
        yield block


def _pyarrow() -> Any:
    try:
        import pyarrow as pa
    except ImportError:
        return None
    return pa


def _block(pa: Any, part: Any, names: list[str]) -> Any:
    """The rows as an Arrow table, or as dicts where a column's values decide on its type."""
    columns = [_plain(part.iloc[:, at]) for at in range(len(names))]
    if pa is not None and not any(map(_is_mixed, columns)):
        try:
            # Column by column: a frame's attributes and the names of others are nobody's business.
            arrays = [pa.Array.from_pandas(column) for column in columns]
            return pa.Table.from_arrays(arrays, names=names)
        except (pa.ArrowException, TypeError, ValueError, OverflowError):
            pass
    return _as_dicts(columns, names)


def _plain(column: Any) -> Any:
    """The column as others know it: sparse ones in full, periods as text."""
    from pandas import PeriodDtype, SparseDtype

    if isinstance(column.dtype, SparseDtype):
        return column.sparse.to_dense()
    if isinstance(column.dtype, PeriodDtype):
        text = column.astype(str).str.replace(" ", "T")
        return text.astype(object).where(column.notna(), None)
    return column


def _is_mixed(column: Any) -> bool:
    """Whether pyarrow would make of a column's slice what its values suggest.

    Then a number would be written in one way or another, as its neighbours are.
    """
    from pandas.api.types import infer_dtype, is_object_dtype

    return is_object_dtype(column) and infer_dtype(column) not in {"string", "empty"}


def _as_dicts(columns: list[Any], names: list[str]) -> list[dict[str, Any]]:
    twice = next((name for at, name in enumerate(names) if name in names[:at]), None)
    if twice is not None:
        from revrag.errors import InvalidArgumentError

        raise InvalidArgumentError(f"source: two columns are named {twice!r}; rename one")
    values = [column.tolist() for column in columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _lazy_blocks(frame: Any) -> Iterator[Any]:
    if hasattr(frame, "collect_batches"):
        batches = frame.collect_batches(chunk_size=ROWS, maintain_order=True)
        yield from map(polars_table, batches)
    else:
        yield polars_table(frame.collect(engine="streaming"))
