//! One try of one request over the wire, and how far it got.

use std::borrow::Cow;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, RETRY_AFTER, USER_AGENT};
use http::{HeaderValue, Method};
use http_body::{Body, Frame, SizeHint};

use super::body::Gathered;
use super::buffers::{Buffer, Buffers};
use super::clock::ServiceClock;
use super::config::Config;
use super::per_process::PerProcess;
use super::{echo, retry, shared, tls, tunnel};
use crate::error::{ResponseProblem, masked};
use crate::{Error, Result};

static API_KEY: HeaderName = HeaderName::from_static("x-api-key");
static REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Servers close a connection that was idle for as little as two seconds, as gunicorn does. A push
/// that meets such a closing connection has an unknown outcome, so idle connections are dropped before
/// that.
const POOL_IDLE: Duration = Duration::from_millis(1500);

/// A request, ready to be sent as often as the policy allows.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) body: Option<Bytes>,
    /// How many records the body pushes.
    pub(super) records: usize,
    /// Whether its answers are read into buffers that are used again.
    pub(super) is_pooled: bool,
}

impl Request {
    pub(super) fn get(path: String, query: Vec<(&'static str, String)>) -> Self {
        Self { method: Method::GET, path, query, body: None, records: 0, is_pooled: false }
    }
}

/// A complete answer, whatever its status.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) request_id: Option<String>,
    pub(super) retry_after: Option<Duration>,
    pub(super) clock: ServiceClock,
    /// Its headers, those of a refusal only.
    pub(super) headers: Vec<(String, String)>,
    /// What came of the body, and what kept the rest from coming.
    pub(super) body: Buffer,
    pub(super) problem: Option<ResponseProblem>,
}

/// Sends requests to one service with one key.
#[derive(Debug)]
pub(super) struct Transport {
    config: Config,
    http: PerProcess<reqwest::Client>,
    buffers: Buffers,
    closed: AtomicBool,
}

impl Transport {
    pub(super) fn new(config: Config) -> Self {
        let (http, buffers) = (PerProcess::new(), Buffers::default());
        Self { config, http, buffers, closed: AtomicBool::new(false) }
    }

    /// Closes idle connections and refuses what comes later.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.http.clear();
    }

    /// One try, within the bounds of `config`. An error is [`Error::Connection`] or [`Error::Timeout`], which say whether anything
    /// was sent, or [`Error::InvalidArgument`] where there was no try.
    ///
    /// It is boxed, so that what it stands on is compiled here, and not again wherever a client is used.
    pub(super) fn send<'a>(
        &'a self,
        request: &'a Request,
        departure: &'a Departure,
        config: &'a Config,
        wall: SystemTime,
    ) -> Pin<Box<dyn Future<Output = Result<Reply>> + Send + 'a>> {
        Box::pin(self.send_here(request, departure, config, wall))
    }

    async fn send_here(
        &self,
        request: &Request,
        departure: &Departure,
        config: &Config,
        wall: SystemTime,
    ) -> Result<Reply> {
        if self.closed.load(Ordering::Acquire) {
            return Err(Error::invalid("client", "it is closed; make a new one"));
        }
        let http = self.http.get_or_try_init(|| build(&self.config))?;
        let mut url = self.config.base_url.clone();
        url.set_path(&format!("{}{}", url.path().trim_end_matches('/'), request.path));
        if !request.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&request.query);
        }
        let mut builder = http.request(request.method.clone(), url);
        if let Some(bytes) = &request.body {
            let body = Watched { bytes: Some(bytes.clone()), departure: departure.clone() };
            builder = builder
                .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
                .body(reqwest::Body::wrap(body));
        } else {
            // Without a body there is no telling, so a read counts as sent.
            departure.begin();
        }
        let limit = config.max_response_bytes;
        let buffer = if request.is_pooled { self.buffers.take() } else { Buffer::default() };
        let answer = async {
            let response = builder.send().await?;
            Ok::<_, reqwest::Error>(read(response, buffer, limit, wall).await)
        };
        let after = config.timeout;
        match tokio::time::timeout(after, answer).await {
            Ok(Ok(reply)) => Ok(without_key(reply, self.config.api_key.as_bytes())),
            Ok(Err(error)) => {
                let connecting = error.is_connect();
                let sent = !departure.give_up() && !connecting;
                if connecting && error.is_timeout() {
                    return Err(Error::Timeout { sent, after: self.config.connect_timeout });
                }
                let mut cause = cause(&error);
                if connecting && let Some(choice) = &self.config.proxy {
                    cause = tunnel::told(&self.config, choice, cause).await;
                }
                Err(Error::Connection { sent, cause })
            }
            Err(_) => Err(Error::Timeout { sent: !departure.give_up(), after }),
        }
    }
}

fn build(config: &Config) -> Result<reqwest::Client> {
    let mut headers = HeaderMap::new();
    headers.insert(API_KEY.clone(), config.api_key.clone());
    headers.insert(USER_AGENT, config.user_agent.clone());
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let tls = match &config.roots {
        Some(roots) => shared::client_config(roots)?,
        None => tls::no_config()?,
    };
    let refuse = |error: reqwest::Error| Error::invalid("proxy", cause(&error));
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .default_headers(headers)
        .connect_timeout(config.connect_timeout)
        .pool_idle_timeout(POOL_IDLE)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .tcp_nodelay(true)
        .no_proxy();
    if let Some(choice) = &config.proxy {
        builder = builder.proxy(choice.to_reqwest().map_err(refuse)?);
    }
    builder.build().map_err(refuse)
}

fn named(headers: &HeaderMap) -> impl Iterator<Item = (&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()))
}

async fn read(
    mut response: reqwest::Response,
    buffer: Buffer,
    limit: u64,
    wall: SystemTime,
) -> Reply {
    let header = |name: &HeaderName| {
        let value = response.headers().get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let mut reply = Reply {
        status: response.status().as_u16(),
        request_id: header(&REQUEST_ID),
        retry_after: header(&RETRY_AFTER).and_then(|text| retry::retry_after(&text, wall)),
        clock: ServiceClock::of(named(response.headers())),
        headers: Vec::new(),
        body: Buffer::default(),
        problem: None,
    };
    if !response.status().is_success() {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = response.headers().iter();
        reply.headers = headers.map(|(name, value)| (name.to_string(), text(value))).collect();
    }
    let mut body = Gathered::expecting(buffer, response.content_length(), limit);
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.add(&chunk) => continue,
            Ok(Some(_)) => reply.problem = Some(ResponseProblem::TooLarge { limit }),
            Ok(None) => {}
            Err(error) => reply.problem = Some(ResponseProblem::CutShort(cause(&error))),
        }
        reply.body = body.finish();
        return reply;
    }
}

/// A refusal is repeated in errors and logs, so a key that it echoes is taken out.
fn without_key(mut reply: Reply, key: &[u8]) -> Reply {
    let hide = |text: &mut String| {
        if let Cow::Owned(hidden) = echo::without(text.as_bytes(), key) {
            *text = String::from_utf8_lossy(&hidden).into_owned();
        }
    };
    if !(200..300).contains(&reply.status)
        && let Cow::Owned(hidden) = echo::without(&reply.body, key)
    {
        *reply.body = hidden;
    }
    reply.headers.iter_mut().for_each(|(_, value)| hide(value));
    reply.request_id.iter_mut().for_each(hide);
    reply
}

/// The innermost reasons of `error`, without its URL.
fn cause(error: &reqwest::Error) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        let text = inner.to_string();
        // Outer errors often repeat the text of the inner one.
        texts.retain(|outer| !outer.contains(&text));
        texts.push(text);
        source = inner.source();
    }
    // hyper-util's own layer says no more than that a client failed.
    texts.retain(|text| !text.starts_with("client error ("));
    if texts.is_empty() {
        let kind = if error.is_timeout() { "timed out" } else { "the request failed" };
        texts.push(kind.to_owned());
    }
    masked(&texts.join(": "))
}

/// A request's way out of this machine: a connection begins to send it, or it is given up. Only one
/// of the two ever happens, so that what was given up is sure not to have left.
#[derive(Debug, Clone, Default)]
pub struct Departure(Arc<AtomicU8>);

const BEGUN: u8 = 1;
const GIVEN_UP: u8 = 2;

impl Departure {
    /// Gives the request up; false where it may have left already.
    pub fn give_up(&self) -> bool {
        self.becomes(GIVEN_UP)
    }

    /// The request leaves; false where it was given up.
    pub fn begin(&self) -> bool {
        self.becomes(BEGUN)
    }

    fn becomes(&self, state: u8) -> bool {
        match self.0.compare_exchange(0, state, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => true,
            Err(before) => before == state,
        }
    }
}

/// A request body that no connection is given once it was given up: until one asks for it, nothing of
/// it can have reached the service.
struct Watched {
    bytes: Option<Bytes>,
    departure: Departure,
}

impl Body for Watched {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if !self.departure.begin() {
            return Poll::Ready(Some(Err(std::io::Error::other("it was given up"))));
        }
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
