//! One call on its way: what there is to tell of it, and one try to tell it.

use bytes::Bytes;
use uuid::Uuid;

use super::super::webhook::endpoint::{Answer, Delivery, Endpoint, Unanswered};
use super::super::webhook::id;
use revrag::model::{Call, Document, Whole};
use revrag::webhook::{CALL_ENDED, UnixTime, Verifier};
use revrag::world::{System, World as _};

/// A call that has ended, as it is told.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) campaign: Uuid,
    pub(super) call: Uuid,
    pub(super) id: String,
    pub(super) status: Option<String>,
    pub(super) attempt: Option<u64>,
    /// In Unix milliseconds.
    pub(super) ended: Option<i64>,
    pub(super) duration: Option<String>,
    /// What `GET /v1/campaigns/trigger/status/{call_id}` answered, to the byte.
    pub(super) body: Bytes,
}

impl Event {
    pub(super) fn of(campaign: Uuid, id: Uuid, call: &Document<Call>) -> Self {
        Self {
            campaign,
            call: id,
            id: id::of_call(&id.to_string()),
            status: call.call_status.clone(),
            attempt: call.attempt_no.as_ref().and_then(Whole::as_u64),
            ended: call.end_time.map(|at| at.0.as_millisecond()),
            duration: call
                .duration
                .as_ref()
                .and_then(|seconds| serde_json::to_string(seconds).ok())
                .map(|seconds| format!("{seconds} s")),
            body: call.shared_json(),
        }
    }
}

/// Delivers it once, signed now.
pub(super) async fn deliver(
    endpoint: &Endpoint,
    verifier: &Verifier,
    event: &Event,
) -> Result<Answer, Unanswered> {
    let now = UnixTime::from(System.wall()).as_secs();
    let signed = verifier.sign(&event.body, &event.id, CALL_ENDED, now);
    let headers = signed.map_err(|error| Unanswered {
        is_connect: false,
        is_timeout: false,
        cause: error.to_string(),
    })?;
    endpoint.deliver(Delivery::of(headers, event.body.clone())).await
}
