//! What an onlooker is told of each try.

use std::time::Duration;

/// One try of one request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestEvent {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// The path, without query. It holds ids, never phone numbers.
    pub path: String,
    /// The answer's status, if one came.
    pub status: Option<u16>,
    /// Which try this was, from 1.
    pub attempt: u32,
    /// How long it took.
    pub elapsed: Duration,
    /// The answer's `X-Request-ID`.
    pub request_id: Option<String>,
    /// What went wrong, if no usable answer came.
    pub error: Option<String>,
    /// After how long it will be tried again, if it will.
    pub retry_in: Option<Duration>,
}

/// Is told of each try as it ends. Called from within the operation: it must not block.
pub trait Observer: Send + Sync {
    /// One try has ended.
    fn tried(&self, event: RequestEvent);
}
