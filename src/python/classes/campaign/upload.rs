//! `Campaign.upload`.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::classes::campaign::Campaign;
use crate::classes::report::UploadReport;
use crate::classes::upload;
use crate::ground::run::run_sync;
use crate::ground::task::run_async;

#[pymethods]
impl Campaign {
    /// Upload a table of any size, each row exactly once.
    ///
    /// The rows are read, checked, cut into requests and sent side by side, and every request whose
    /// outcome is unknown is settled: its rows are looked for in the campaign, and only those that are
    /// proven not to be there go out again. With a `journal`, an upload that ended in any way is gone on with by the
    /// same call. Rows of dicts are read in the thread of the caller.
    ///
    /// Args:
    ///     source (object): A data frame (polars, pandas), an Arrow table or stream, a DuckDB relation,
    ///         an iterable of mappings, or the path of a `.csv`, `.tsv`, `.txt`, `.jsonl`, `.ndjson`
    ///         (each also `.gz`), `.parquet`, `.arrow`, `.xlsx` or `.xls` file.
    ///     phone_number (str): The column of the numbers. Default: `"phone_number"`.
    ///     variables (list[str] | dict[str, str] | None): The columns to send as variables, or a mapping
    ///         from variable to column; None takes a column `variables` that holds objects, else every
    ///         column without another role that has a name. Nulls are left out, but kept in lists.
    ///     app_user_id (str | None): The column of the user ids; one of that very name by itself.
    ///     app_session_id (str | None): The column of the session ids; one of that very name by itself.
    ///         Rows without one are stamped with `<upload id>-<row>`.
    ///     key (str | Iterable[str] | None): The column by which a row is known, or several: it goes out
    ///         at most once per campaign, name and key, whatever its place in the source, from any
    ///         machine, with a journal or without. Text, whole numbers and UUIDs can be keys. The session
    ///         id is made of it (`revrag.row_key` gives it back); the column `app_session_id` itself can
    ///         be the key, and its ids go out as they are. None knows rows by their places.
    ///     name (str | None): What tells rounds apart, so that the same lead can be called again in
    ///         another; at most 55 bytes.
    ///     existing (str): What tells which rows were uploaded before: `"campaign"` reads all of the
    ///         campaign's records first, `"journal"` asks the journal alone, for those who alone write to
    ///         the campaign; `"caller"` asks nobody: none of the rows was uploaded, and nobody else uploads
    ///         them meanwhile, as the caller has seen to by other means. Then several uploads of a name
    ///         may run at once. Default: `"campaign"`.
    ///     region (str | None): Where numbers without a country code belong, as `"IN"`; None sends all
    ///         as they come. Default: `"IN"`.
    ///     on_invalid (str): What becomes of rows that are not valid: `"reject"` keeps them home,
    ///         `"send"` sends their numbers as they came, `"raise"` stops, before anything is sent where
    ///         the source can be read twice. Default: `"reject"`.
    ///     on_duplicate (str): What becomes of the second and later rows of one number: `"keep"` sends
    ///         them, `"reject"` keeps them home. Default: `"keep"`.
    ///     required (Iterable[str]): Variables that must be neither null nor empty.
    ///     exclude (object | None): Numbers that are not to be called: a list or column of them, a table with
    ///         a column named as `phone_number` says or `phone_number`, or the path of a file. They are
    ///         compared as E.164, and never sent or logged. An entry that can't be read as a number is an
    ///         error that names it: who is meant by it would be called.
    ///     limit (int | None): The first so many rows that would go are sent, the rest is `not_sent`. With a
    ///         journal or a key it goes on with the next call, which has a limit of its own.
    ///     max_invalid (float | int | None): How many rows may be invalid, as a share (a float from 0.0 to
    ///         1.0) or a count (an int). With more, nothing is sent where the source can be read twice;
    ///         otherwise nothing of its first 10,000 rows, and no more once there are too many.
    ///     max_records (int): Rows in a request. Default: `500`.
    ///     max_bytes (int): Bytes in a request; a larger row goes alone. Default: `1000000`.
    ///     concurrency (int): Requests at a time. Default: `4`.
    ///     max_records_per_second (float | None): Rows a second.
    ///     journal (str | PathLike | None): A file in which the upload can be gone on with.
    ///     on_unknown (str): What becomes of rows of unknown outcome: `"settle"` looks for them,
    ///         `"leave"` reports them, `"stop"` stops. Default: `"settle"`.
    ///     settle_after (float): Seconds the service is given to finish what it has of a lost request,
    ///         before its rows are looked for; after a timeout it is given another `timeout`.
    ///         Default: `5.0`.
    ///     give_up_after (float): Seconds for which the service may answer no push before the upload
    ///         stops. Meanwhile a few rows at a time try whether it is back. Default: `600.0`.
    ///     progress (bool | Callable[[UploadProgress], object] | None): True shows a bar; a callable is
    ///         told a few times a second.
    ///     dry_run (bool): Read and check everything, send nothing. With a key the campaign's records are
    ///         read, too, and the report tells which rows are there.
    ///     delimiter (str | None): What separates the fields of a CSV file; None finds it in the header.
    ///     encoding (str | None): How a text file is written, as `"windows-1252"`; None is UTF-8, or what
    ///         a mark at its start says.
    ///     sheet (str | None): The name of a workbook's sheet; None takes the only one, or the only one
    ///         with the column of the numbers.
    ///     max_field_bytes (int): The largest field of a CSV file; a quote that is never closed ends there.
    ///         A line, of JSON too, may have 64 MiB, or as much. Default: `1000000`.
    ///
    /// Returns:
    ///     UploadReport: What became of every row.
    ///
    /// Raises:
    ///     InvalidArgumentError: The source or an option can't be used; nothing was sent.
    ///     UploadError: It stopped before its end; `.report` tells of every row that was read.
    ///     JournalError: The journal is none, another upload's, in use, or the source has changed.
    ///     AuthenticationError: The key is not valid; nothing was read or sent.
    ///     NotFoundError: There is no such campaign; nothing was read or sent.
    ///
    /// Example:
    ///     >>> rows = [{"phone_number": "98765 43210", "name": "Riya"}, {"phone_number": "12"}]
    ///     >>> report = campaign.upload(rows)
    ///     >>> report.accepted, report.invalid
    ///     (1, 1)
    #[pyo3(signature = (source, **options), text_signature = "($self, source, *, phone_number='phone_number', \
        variables=None, app_user_id=None, app_session_id=None, key=None, name=None, existing='campaign', region='IN', on_invalid='reject', \
        on_duplicate='keep', required=(), exclude=None, limit=None, max_invalid=None, max_records=500, \
        max_bytes=1000000, concurrency=4, max_records_per_second=None, journal=None, on_unknown='settle', settle_after=5.0, \
        give_up_after=600.0, progress=None, dry_run=False, delimiter=None, encoding=None, sheet=None, \
        max_field_bytes=1000000)")]
    fn upload<'py>(
        &self,
        py: Python<'py>,
        source: Py<PyAny>,
        options: Option<Py<PyDict>>,
    ) -> PyResult<Bound<'py, UploadReport>> {
        let operation = upload::operation(self.http(), self.id, source, options);
        run_sync(py, self.onlooker(py), operation)?.into_pyobject(py)
    }

    /// The asyncio twin of `upload`. Rows of dicts are read in a thread of their own.
    ///
    /// Example:
    ///     >>> report = asyncio.run(campaign.upload_async([{"phone_number": "98765 43210"}]))
    ///     >>> report.accepted
    ///     1
    #[pyo3(signature = (source, **options), text_signature = "($self, source, *, phone_number='phone_number', \
        variables=None, app_user_id=None, app_session_id=None, key=None, name=None, existing='campaign', region='IN', on_invalid='reject', \
        on_duplicate='keep', required=(), exclude=None, limit=None, max_invalid=None, max_records=500, \
        max_bytes=1000000, concurrency=4, max_records_per_second=None, journal=None, on_unknown='settle', settle_after=5.0, \
        give_up_after=600.0, progress=None, dry_run=False, delimiter=None, encoding=None, sheet=None, \
        max_field_bytes=1000000)")]
    fn upload_async<'py>(
        &self,
        py: Python<'py>,
        source: Py<PyAny>,
        options: Option<Py<PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let operation = upload::operation(self.http(), self.id, source, options);
        run_async(py, "Campaign.upload_async", self.onlooker(py), operation)
    }
}
