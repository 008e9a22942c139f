"""What became of each row, as Parquet where all of a cluster's machines can reach it."""

from __future__ import annotations

import json
import posixpath
import uuid
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import fs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

# What begins with an underscore, readers of Parquet folders pass over.
STAGING = "_under-way"

SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("phone_number", pa.string()),
        ("outcome", pa.string()),
        ("run_id", pa.string()),
        ("status", pa.string()),
        ("error", pa.string()),
        ("partition", pa.int32()),
    ]
)


def place(path: str) -> tuple[Any, str]:
    """The file system of a path or URI, and the path in it."""
    if "://" in path:
        return fs.FileSystem.from_uri(path)  # type: ignore[no-any-return]
    return fs.LocalFileSystem(), path.removeprefix("file:")


class Outcomes:
    """The outcomes of one attempt, written as they come; or nowhere, where none are wanted."""

    def __init__(self, path: str | None, partition: int) -> None:
        self.counts: dict[str, int] = {}
        self.file: str | None = None
        self._partition = partition
        self._writer: Any = None
        if path is not None:
            system, folder = place(path)
            folder = posixpath.join(folder, STAGING)
            system.create_dir(folder, recursive=True)
            self.file = f"part-{partition:05d}-{uuid.uuid4().hex}.parquet"
            whole = posixpath.join(folder, self.file)
            self._writer = pq.ParquetWriter(whole, SCHEMA, filesystem=system, compression="zstd")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def add(self, rows: Iterable[tuple[str | None, ...]]) -> None:
        """Writes rows: key, number, outcome, run id, status and error."""
        columns = list(zip(*rows, strict=True))
        if not columns:
            return
        for outcome in columns[2]:
            self.counts[str(outcome)] = self.counts.get(str(outcome), 0) + 1
        if self._writer is not None:
            arrays = [pa.array(column, pa.string()) for column in columns]
            arrays.append(pa.array([self._partition] * len(columns[0]), pa.int32()))
            self._writer.write_table(pa.table(arrays, schema=SCHEMA))


def commit(path: str, files: list[str], receipt: dict[str, Any]) -> None:
    """Takes the files of the attempts that count to their place, and removes the others."""
    system, folder = place(path)
    staging = posixpath.join(folder, STAGING)
    for file in files:
        try:
            system.move(posixpath.join(staging, file), posixpath.join(folder, file))
        except FileNotFoundError as error:
            raise FileNotFoundError(
                f"all rows have gone, but {file} of their outcomes is not at {staging}: outcomes "
                "must be a place that driver and executors share"
            ) from error
    with system.open_output_stream(posixpath.join(folder, "_receipt.json")) as stream:
        stream.write(json.dumps(receipt, indent=2).encode())
    discard(path)


def discard(path: str) -> None:
    """Removes what attempts have left that do not count."""
    system, folder = place(path)
    staging = posixpath.join(folder, STAGING)
    if system.get_file_info(staging).type != fs.FileType.NotFound:
        system.delete_dir(staging)
