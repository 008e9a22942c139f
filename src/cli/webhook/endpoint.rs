//! An endpoint that takes deliveries, and what it answers.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use http_body::{Body, Frame, SizeHint};
use url::{Host, Url};

use revrag::Error;
use revrag::error::masked;

/// The most that is read of an answer.
const MOST: usize = 64 << 10;
/// Bytes of a piece of a body that goes in pieces.
const PIECE: usize = 1 << 12;

/// A request that is to be made.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) method: Method,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Bytes,
    /// Whether it is sent in chunks, without a `Content-Length`.
    pub(crate) is_chunked: bool,
}

impl Delivery {
    /// A delivery as the service makes them.
    pub(crate) fn of(
        headers: impl IntoIterator<Item = (&'static str, String)>,
        body: impl Into<Bytes>,
    ) -> Self {
        Self {
            method: Method::POST,
            headers: headers.into_iter().collect(),
            body: body.into(),
            is_chunked: false,
        }
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) elapsed: Duration,
    /// The beginning of its body.
    pub(crate) body: Bytes,
    /// Where a redirect points to.
    pub(crate) location: Option<String>,
    /// What its `Retry-After` asks for, in seconds.
    pub(crate) retry_after: Option<u64>,
}

impl Answer {
    /// Whether the delivery was accepted.
    pub(crate) const fn is_accepted(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

/// Why nothing came back.
#[derive(Debug, Clone)]
pub(crate) struct Unanswered {
    /// Whether no connection could be made at all.
    pub(crate) is_connect: bool,
    pub(crate) is_timeout: bool,
    /// In words, without the URL.
    pub(crate) cause: String,
}

/// Delivers to one URL.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    url: Url,
    http: reqwest::Client,
    timeout: Duration,
}

impl Endpoint {
    /// The endpoint at `url`, which the flag `argument` names.
    pub(crate) fn at(argument: &str, url: &str, timeout: Duration) -> Result<Self, Error> {
        let refuse = |problem: &str| Error::invalid(argument, problem);
        let url = Url::parse(url).map_err(|_| {
            refuse("it is no URL; it should look like http://localhost:8000/revrag")
        })?;
        if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
            return Err(refuse("it should begin with http:// or https:// and name a host"));
        }
        if timeout.is_zero() {
            return Err(Error::invalid("timeout", "it must be more than 0 seconds"));
        }
        // Certificates are loaded only where there are some to check.
        let tls = match url.scheme() {
            "https" => revrag::http::tls_config()?,
            _ => revrag::http::no_tls_config()?,
        };
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            // Where it points is another endpoint; the service does not follow it either.
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(timeout.min(Duration::from_secs(5)))
            .no_proxy()
            .user_agent(concat!("revrag/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| refuse(&error.to_string()))?;
        Ok(Self { url, http, timeout })
    }

    /// Whether what is delivered stays on this machine.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// The URL, without what may be secret in it.
    pub(crate) fn shown(&self) -> String {
        let mut url = self.url.clone();
        if url.password().is_some() || !url.username().is_empty() {
            let _ = url.set_username("***");
            let _ = url.set_password(None);
        }
        if url.query().is_some() {
            url.set_query(Some("…"));
        }
        url.to_string()
    }

    /// Delivers once.
    pub(crate) async fn deliver(&self, delivery: Delivery) -> Result<Answer, Unanswered> {
        let started = Instant::now();
        let mut request = self.http.request(delivery.method, self.url.clone());
        request = request.header("Content-Type", "application/json");
        for (name, value) in delivery.headers {
            request = request.header(name, value);
        }
        request = request.body(if delivery.is_chunked {
            reqwest::Body::wrap(Pieces(delivery.body))
        } else {
            delivery.body.into()
        });
        let answer = async {
            let mut response = request.send().await?;
            let header = |name: &str| {
                let value = response.headers().get(name)?;
                Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
            };
            let mut answer = Answer {
                status: response.status().as_u16(),
                location: header("location"),
                retry_after: header("retry-after").and_then(|text| text.trim().parse().ok()),
                elapsed: Duration::ZERO,
                body: Bytes::new(),
            };
            let mut body = Vec::new();
            // What is not read of a body changes nothing about the status.
            while let Ok(Some(piece)) = response.chunk().await
                && body.len() < MOST
            {
                body.extend_from_slice(&piece);
            }
            answer.body = body.into();
            Ok::<_, reqwest::Error>(answer)
        };
        match tokio::time::timeout(self.timeout, answer).await {
            Ok(Ok(answer)) => Ok(Answer { elapsed: started.elapsed(), ..answer }),
            Ok(Err(error)) => Err(Unanswered {
                is_connect: error.is_connect(),
                is_timeout: error.is_timeout(),
                cause: cause_of(&error),
            }),
            Err(_) => Err(Unanswered {
                is_connect: false,
                is_timeout: true,
                cause: format!("no answer within {} s", self.timeout.as_secs_f64()),
            }),
        }
    }
}

/// The innermost reason.
fn cause_of(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    masked(&cause.to_string())
}

/// A body of a length that is not told beforehand.
struct Pieces(Bytes);

impl Body for Pieces {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.0.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.0.len().min(PIECE);
        Poll::Ready(Some(Ok(Frame::data(self.0.split_to(length)))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}
