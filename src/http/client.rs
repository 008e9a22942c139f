//! The client: a request, the policy, and what is made of the answer.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use super::clock::ServiceClock;
use super::config::{Bounds, Config};
use super::observe::{Observer, RequestEvent};
use super::passage::Passage;
use super::retry::{Decision, Failure, Kind, Policy};
use super::transport::{Departure, Reply, Request, Transport};
use crate::error::{ResponseProblem, StatusError};
use crate::model::DocumentError;
use crate::world::{System, World};
use crate::{Error, Result};

/// A client of one service with one API key. Clones share their connections.
#[derive(Clone)]
pub struct Client {
    transport: Arc<Transport>,
    config: Arc<Config>,
    observer: Option<Arc<dyn Observer>>,
    world: Arc<dyn World>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("base_url", &self.config().base_url())
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client. Nothing is opened until the first request.
    pub fn new(config: Config) -> Self {
        Self {
            transport: Arc::new(Transport::new(config.clone())),
            config: Arc::new(config),
            observer: None,
            world: System::shared(),
        }
    }

    /// The same client, telling `observer` of each try.
    #[must_use]
    pub fn observed(&self, observer: Arc<dyn Observer>) -> Self {
        Self { observer: Some(observer), ..self.clone() }
    }

    /// The same client, over the same connections, with other bounds.
    pub fn with_bounds(&self, bounds: Bounds) -> Result<Self> {
        let config = Arc::new(self.config.with_bounds(bounds)?);
        Ok(Self { config, ..self.clone() })
    }

    /// The same client in another world.
    #[must_use]
    pub fn within(&self, world: Arc<dyn World>) -> Self {
        Self { world, ..self.clone() }
    }

    /// The world it lives in.
    pub fn world(&self) -> &Arc<dyn World> {
        &self.world
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Closes idle connections and refuses later requests.
    pub fn close(&self) {
        self.transport.close();
    }

    /// Sends a request until it succeeds or the policy says otherwise. `read` makes of a 2xx's body
    /// what it means, or tells what is wrong with it.
    pub(super) async fn execute<T>(
        &self,
        kind: Kind,
        request: Request,
        passage: &Passage,
        read: impl Fn(Bytes) -> std::result::Result<T, ResponseProblem>,
    ) -> Result<Success<T>> {
        let policy = Policy::new(self.config().max_retries);
        self.tries(kind, request, policy, passage, read).await
    }

    /// The same with one try, whose way out of this machine `departure` watches.
    pub(super) async fn execute_once<T>(
        &self,
        kind: Kind,
        request: Request,
        departure: Departure,
        read: impl Fn(Bytes) -> std::result::Result<T, ResponseProblem>,
    ) -> Result<Success<T>> {
        self.tries(kind, request, Policy::new(0), &Passage::of(departure), read).await
    }

    async fn tries<T>(
        &self,
        kind: Kind,
        request: Request,
        policy: Policy,
        passage: &Passage,
        read: impl Fn(Bytes) -> std::result::Result<T, ResponseProblem>,
    ) -> Result<Success<T>> {
        let mut attempt = 1;
        loop {
            let started = self.world.now();
            let departure = passage.departure();
            let wall = self.world.wall();
            let reply = self.transport.send(&request, &departure, self.config(), wall).await;
            let (status, request_id) = match &reply {
                Ok(reply) => (Some(reply.status), reply.request_id.clone()),
                Err(_) => (None, None),
            };
            let outcome = reply.and_then(|reply| understand(reply, &read));
            let decision = match &outcome {
                // Nothing to decide: done, or refused before there was a try.
                Ok(_) | Err(Error::InvalidArgument { .. }) => Decision::Fail,
                Err(error) => policy.decide(kind, attempt, failure_of(error), self.world.draw()),
            };
            if let Some(observer) = &self.observer {
                observer.tried(RequestEvent {
                    method: if request.body.is_some() { "POST" } else { "GET" },
                    path: request.path.clone(),
                    status,
                    attempt,
                    elapsed: self.world.now().saturating_duration_since(started),
                    request_id,
                    error: outcome.as_ref().err().map(ToString::to_string),
                    retry_in: match decision {
                        Decision::Again(wait) => Some(wait),
                        _ => None,
                    },
                });
            }
            match (decision, outcome) {
                (Decision::Again(wait), Err(_)) => {
                    passage.again();
                    tokio::time::sleep(wait).await;
                }
                (Decision::Unknown, Err(error)) => {
                    let (records, cause) = (request.records, Box::new(error));
                    return Err(Error::PushOutcomeUnknown { records, cause });
                }
                (_, outcome) => return outcome,
            }
            attempt += 1;
        }
    }
}

/// A 2xx answer, read.
pub(super) struct Success<T> {
    pub(super) content: T,
    pub(super) clock: ServiceClock,
}

/// Makes of an answer what it means.
fn understand<T>(
    reply: Reply,
    read: impl Fn(Bytes) -> std::result::Result<T, ResponseProblem>,
) -> Result<Success<T>> {
    let Reply { status, request_id, retry_after, clock, headers, body, problem } = reply;
    if !(200..300).contains(&status) {
        let retry_after = retry_after.filter(|_| matches!(status, 429 | 503));
        let refusal = StatusError::of(status, body.keep());
        let error = StatusError { request_id, retry_after, headers, ..refusal };
        return Err(Error::Status(Box::new(error)));
    }
    match problem.map_or_else(|| read(body.into()), Err) {
        Ok(content) => Ok(Success { content, clock }),
        Err(problem) => Err(Error::InvalidResponse { status, request_id, problem }),
    }
}

/// An error of one try, as the policy sees it.
pub(super) fn failure_of(error: &Error) -> Failure {
    match error {
        Error::Connection { sent: false, .. } | Error::Timeout { sent: false, .. } => {
            Failure::NotSent
        }
        Error::Status(error) => {
            Failure::Status { status: error.status, retry_after: error.retry_after }
        }
        Error::InvalidResponse {
            problem:
                ResponseProblem::TooLarge { .. }
                | ResponseProblem::Contradiction(_)
                | ResponseProblem::Document(
                    DocumentError::Shape { .. }
                    | DocumentError::TooDeep
                    | DocumentError::TooManyDigits,
                ),
            ..
        } => Failure::Unreadable,
        // Cut short, or not JSON at all: what a proxy in between makes of a bad moment.
        _ => Failure::Interrupted,
    }
}
