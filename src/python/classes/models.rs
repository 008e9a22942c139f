//! The models as frozen Python classes.

use std::hash::{DefaultHasher, Hash, Hasher};

use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict as _, PyDict, PyType};

use crate::Error;
use crate::model::{self, Document, Model};
use crate::python::convert::attribute::{Attribute, Shown};
use crate::python::convert::errors::to_pyerr;
use crate::python::convert::json::type_name;
use crate::python::convert::loads::loads;

/// An attribute of a model: made on first use and kept, where its type says so.
pub(in crate::python) fn attribute<'py, A: Attribute>(
    py: Python<'py>,
    kept: &PyOnceLock<Py<PyDict>>,
    name: &str,
    field: &A,
) -> PyResult<Bound<'py, PyAny>> {
    if !A::KEPT {
        return field.to_python(py);
    }
    keep(py, kept, name, || field.to_python(py))
}

/// What `kept` holds under `name`, made by `make` if it is not there yet.
pub(in crate::python) fn keep<'py>(
    py: Python<'py>,
    kept: &PyOnceLock<Py<PyDict>>,
    name: &str,
    make: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let kept = kept.get_or_init(py, || PyDict::new(py).unbind()).bind(py);
    if let Some(found) = kept.get_item(name)? {
        return Ok(found);
    }
    let object = make()?;
    kept.set_item(name, &object)?;
    Ok(object)
}

/// The fields of a JSON object that the reference does not name.
fn extra<'py>(py: Python<'py>, json: &[u8], fields: &[&str]) -> PyResult<Bound<'py, PyAny>> {
    let all = loads(py, json)?;
    if let Ok(dict) = all.cast::<PyDict>() {
        for field in fields {
            if dict.contains(field)? {
                dict.del_item(field)?;
            }
        }
    }
    Ok(all)
}

/// `Name(field=value, …)`, from the attributes themselves.
pub(in crate::python) fn repr(model: &Bound<'_, PyAny>, fields: &[&str]) -> PyResult<String> {
    let mut parts = Vec::with_capacity(fields.len());
    for field in fields {
        parts.push(format!("{field}={}", model.getattr(*field)?.repr()?));
    }
    Ok(format!("{}({})", model.get_type().name()?, parts.join(", ")))
}

/// A hash that is the same for all that is equal.
pub(in crate::python) fn hash_of(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// A table for notebooks, made by `revrag._html`.
pub(in crate::python) fn html<'py>(
    model: &Bound<'py, PyAny>,
    fields: &[&str],
) -> PyResult<Bound<'py, PyAny>> {
    model.py().import("revrag._html")?.call_method1("table", (model, fields.to_vec()))
}

/// The JSON text of what `from_dict` was given.
pub(in crate::python) fn json_of(data: &Bound<'_, PyAny>, argument: &str) -> PyResult<String> {
    let py = data.py();
    let refuse = |problem: String| to_pyerr(py, Error::invalid(argument, problem));
    if !data.is_instance_of::<PyDict>() {
        return Err(refuse(format!("it must be a dict, not {}", type_name(data))));
    }
    let kwargs = [("ensure_ascii", true)].into_py_dict(py)?;
    let text = py.import("json")?.call_method("dumps", (data,), Some(&kwargs));
    text.and_then(|text| text.extract()).map_err(|error| {
        let kind = error.get_type(py).name().map(|name| name.to_string()).unwrap_or_default();
        refuse(format!("it can't be written as JSON ({kind})"))
    })
}

macro_rules! models {
    ($($(#[doc = $doc:literal])* $name:ident { $($(#[doc = $about:literal])* $field:ident),* $(,)? } $(+ { $($more:tt)* })?)*) => {
        $(
            $(#[doc = $doc])*
            #[pyclass(frozen, eq, subclass, module = "revrag", skip_from_py_object)]
            pub(in crate::python) struct $name {
                document: Document<model::$name>,
                kept: PyOnceLock<Py<PyDict>>,
            }

            impl PartialEq for $name {
                fn eq(&self, other: &Self) -> bool {
                    self.document == other.document
                }
            }

            impl From<Document<model::$name>> for $name {
                fn from(document: Document<model::$name>) -> Self {
                    Self { document, kept: PyOnceLock::new() }
                }
            }

            impl Shown for model::$name {
                const NAME: &'static str = stringify!($name);
                type Class = $name;
            }

            #[pymethods]
            #[allow(clippy::wrong_self_convention, reason = "the API calls a field from_number")]
            impl $name {
                $(
                    $(#[doc = $about])*
                    #[getter]
                    fn $field<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                        let name = stringify!($field);
                        attribute(py, &self.kept, name, &self.document.$field)
                    }
                )*

                $($($more)*)?

                /// dict[str, Any]: The fields that the reference does not name.
                #[getter]
                fn extra<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                    keep(py, &self.kept, "extra", || {
                        extra(py, self.document.json(), <model::$name as Model>::FIELDS)
                    })
                }

                /// The JSON this was read from, as a new dict.
                fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
                    loads(py, self.document.json())
                }

                /// Make one from its JSON as a dict.
                ///
                /// Args:
                ///     data (dict[str, Any]): The documented fields, and any others.
                ///
                /// Raises:
                ///     InvalidArgumentError: The dict is not what the API documents.
                #[classmethod]
                fn from_dict(class: &Bound<'_, PyType>, data: &Bound<'_, PyAny>) -> PyResult<Self> {
                    let json = json_of(data, stringify!($name))?;
                    let document = Document::parse(json.as_bytes()).map_err(|error| {
                        let at = stringify!($name);
                        to_pyerr(class.py(), Error::invalid(at, error.to_string()))
                    })?;
                    Ok(Self::from(document))
                }

                fn __hash__(&self) -> u64 {
                    hash_of(&self.document)
                }

                fn __repr__(slf: &Bound<'_, Self>) -> PyResult<String> {
                    repr(slf.as_any(), <model::$name as Model>::FIELDS)
                }

                fn _repr_html_<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
                    html(slf.as_any(), <model::$name as Model>::FIELDS)
                }

                fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
                    let make = slf.get_type().getattr("from_dict")?;
                    (make, (slf.get().to_dict(slf.py())?,)).into_bound_py_any(slf.py())
                }
            }
        )*

        /// Adds the classes to the module.
        pub(in crate::python) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $(module.add_class::<$name>()?;)*
            Ok(())
        }
    };
}

models! {
    /// The answer to a push (`POST …/records/push-bulk`).
    ///
    /// Example:
    ///     >>> pushed = campaign.push([{"phone_number": "+919876543210"}, {"phone_number": "12"}])
    ///     >>> pushed.accepted, pushed.rejected
    ///     (1, 1)
    ///     >>> pushed.results[1].error
    ///     'Invalid Indian phone number: 12'
    PushResult {
        /// int: How many records were queued for calling.
        accepted,
        /// int: How many were rejected.
        rejected,
        /// list[PushOutcome]: `results[i]` belongs to the i-th record of the push.
        results,
    }

    /// What became of one pushed record: an entry of `PushResult.results`.
    ///
    /// Example:
    ///     >>> outcome = campaign.push([{"phone_number": "+919876543210"}]).results[0]
    ///     >>> outcome.accepted, outcome.status, outcome.error
    ///     (True, 'queued', None)
    PushOutcome {
        /// str: The number as submitted.
        phone_number,
        /// bool: Whether the record was created and queued.
        accepted,
        /// str | None: The created run's id, where accepted; `Campaign.record` takes it.
        run_id,
        /// str | None: The initial status, where accepted.
        status,
        /// str | None: Why the record was rejected, where it was.
        error,
    }

    /// A record of a campaign (`GET …/records/{run_id}`).
    ///
    /// Example:
    ///     >>> record = campaign.wait(run_id)
    ///     >>> record.status, record.is_final, record.attempt_count
    ///     ('completed', True, 1)
    Record {
        /// str: The run id that the push answered with.
        id,
        /// str | None: The campaign it belongs to.
        campaign_id,
        /// str | None: The workspace it belongs to.
        workspace_id,
        /// str: The number to call.
        phone_number,
        /// str: One of the documented statuses, or a new one.
        status,
        /// dict[str, Any] | None: The variables sent with the push.
        variables,
        /// str | None: The caller's own user id.
        app_user_id,
        /// str | None: The caller's own session id.
        app_session_id,
        /// int | None: Attempts made so far.
        attempt_count,
        /// int | None: Attempts there may be in all.
        max_attempts,
        /// list[CallAttempt]: One entry per attempt.
        call_history,
        /// datetime | None: When the next attempt is due, in UTC.
        next_attempt_at,
        /// datetime | None: When the number was put on the Do-Not-Call list, in UTC.
        dnc_at,
        /// str | None: Why it was.
        dnc_reason,
        /// datetime | None: When the record was created, in UTC.
        created_at,
        /// datetime | None: When it last changed, in UTC.
        updated_at,
    } + {
        /// bool: Whether nothing more will happen to the record: `completed`, `dnc`, or `failed`
        /// with no attempt left.
        #[getter]
        fn is_final(&self) -> bool {
            self.document.is_final()
        }
    }

    /// One attempt to call a record's number: an entry of `Record.call_history`.
    ///
    /// Example:
    ///     >>> attempt = campaign.wait(run_id).call_history[0]
    ///     >>> client.call(attempt.call_id).call_status == attempt.status
    ///     True
    CallAttempt {
        /// str: The call's id; `Client.call` takes it.
        call_id,
        /// str | None: The call's status.
        status,
    }

    /// One page of a campaign's records (`GET …/records`).
    ///
    /// Example:
    ///     >>> page = campaign.records_page(page_size=1)
    ///     >>> len(page.items), page.page, page.page_size
    ///     (1, 1, 1)
    RecordPage {
        /// list[Record]: The records of this page.
        items,
        /// int: How many records match in all.
        total,
        /// bool: Whether there is a page after this one.
        has_more,
        /// int: This page's number, from 1.
        page,
        /// int: The page size the service used.
        page_size,
    } + {
        /// list[Any]: The JSON of what stands among the items and is no record.
        #[getter]
        fn left_out<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
            keep(py, &self.kept, "left_out", || {
                let all = self.document.items.left_out().iter();
                let all = all.map(|other| loads(py, other.text())).collect::<PyResult<Vec<_>>>()?;
                all.into_bound_py_any(py)
            })
        }
    }

    /// A campaign's lifecycle status and its counts (`GET …/status`).
    ///
    /// Example:
    ///     >>> campaign.status().status
    ///     'running'
    CampaignStatus {
        /// str: The campaign.
        campaign_id,
        /// str: `running`, `paused`, `completed`, `cancelled`, or another.
        status,
        /// CampaignStats: Records counted by status.
        stats,
    }

    /// A campaign's records counted by status; a count that is not in the answer is 0.
    ///
    /// Example:
    ///     >>> stats = campaign.status().stats
    ///     >>> stats.total_records >= stats.queued + stats.completed
    ///     True
    CampaignStats {
        /// int: All records.
        total_records,
        /// int: Waiting for the runner.
        queued,
        /// int: Being called.
        in_progress,
        /// int: Called.
        completed,
        /// int: Failed.
        failed,
        /// int: On the Do-Not-Call list.
        dnc,
        /// int: Waiting for the callback the callee asked for.
        rescheduled,
        /// int: Waiting for a retry.
        retry_pending,
        /// int: Waiting for a follow-up.
        follow_up_pending,
    }

    /// A call (`GET /v1/campaigns/trigger/status/{call_id}`, and the `call.ended` webhook).
    ///
    /// Example:
    ///     >>> call = client.call(call_id)
    ///     >>> call.call_status, call.attempt_no
    ///     ('completed', 1)
    Call {
        /// str: `completed`, `failed`, or another.
        call_status,
        /// str: The call's id.
        call_id,
        /// str | None: The agent that placed it.
        agent_id,
        /// str | None: The caller's number.
        from_number,
        /// str | None: The callee's number.
        to_number,
        /// str | None: A generated summary, where there is a transcript.
        summary,
        /// datetime | None: When the call began, in UTC.
        start_time,
        /// datetime | None: When it ended, in UTC.
        end_time,
        /// float | None: Its length in seconds; an int where the service sends one.
        duration,
        /// str | None: Why it ended, normalized.
        disconnection_reason,
        /// str | None: A presigned URL of the recording.
        recording_url,
        /// Transcription | None: What was said.
        transcription,
        /// list[CustomVariable]: What the agent took from the call.
        custom_variables,
        /// dict[str, Any] | None: The variables sent with the push.
        variables_fields,
        /// str | None: The campaign, if the call belongs to one.
        campaign_id,
        /// int | None: Which attempt this call was.
        attempt_no,
        /// str | None: The caller's own user id.
        app_user_id,
        /// str | None: The caller's own session id.
        app_session_id,
    }

    /// What was said in a call: `Call.transcription`.
    ///
    /// Example:
    ///     >>> [message.role for message in client.call(call_id).transcription.messages][:2]
    ///     ['assistant', 'user']
    Transcription {
        /// list[Message]: The turns, in order.
        messages,
    }

    /// One turn of a conversation: an entry of `Transcription.messages`.
    ///
    /// Example:
    ///     >>> revrag.Message.from_dict({"role": "user", "content": "Yes."}).content
    ///     'Yes.'
    Message {
        /// str: `assistant` or `user`, or another.
        role,
        /// str | None: The words.
        content,
    }

    /// A variable the agent extracted: an entry of `Call.custom_variables`.
    ///
    /// Example:
    ///     >>> revrag.CustomVariable.from_dict({"key": "paid", "type": "boolean", "value": True}).value
    ///     True
    CustomVariable {
        /// str: Its name.
        key,
        /// str | None: The name of its type, as in `boolean`.
        r#type,
        /// Any: Its value, any JSON.
        value,
    }
}
