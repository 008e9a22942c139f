//! The models as frozen Python classes.

use pyo3::IntoPyObjectExt as _;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyType};

use crate::classes::model::{extra, field, hash_of, html, json_of, keep, models, place, repr};
use crate::convert::attribute::Shown;
use crate::convert::errors::to_pyerr;
use crate::convert::loads::loads;
use revrag::Error;
use revrag::model::{self, Document, Model};

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
