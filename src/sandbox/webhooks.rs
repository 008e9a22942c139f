//! One attempt to deliver an event: signed, sent, and noted.

use std::time::{Duration, Instant};

use super::deliveries::Delivery;
use super::fault::{Act, Struck};
use super::post::check_url;
use super::ring::Text;
use super::time::Time;
use super::world::Webhook;
use revrag::webhook::{CALL_ENDED, Verifier};
use revrag::{Error, Result, Secret};

const TRY_TIMEOUT: Duration = Duration::from_secs(10);
/// The longest answer that is read.
const MOST_ANSWER: usize = 64 << 10;

/// How deliveries went so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Events that were answered with a 2xx.
    pub delivered: u64,
    /// Events given up after the last attempt.
    pub failed: u64,
    /// Attempts in all.
    pub tries: u64,
}

/// An attempt to make.
pub(super) struct Attempt {
    pub(super) to: Webhook,
    pub(super) event_id: String,
    pub(super) call: usize,
    pub(super) workspace: usize,
    /// Which it is, from 1.
    pub(super) number: u16,
    pub(super) body: String,
    /// Which of the webhook's secrets are good.
    pub(super) now: Time,
    pub(super) allow_remote: bool,
    pub(super) fault: Option<Struck>,
}

impl Attempt {
    /// Makes it: what is to be noted, with what the engine knows left out.
    pub(super) async fn make(self, http: &reqwest::Client) -> Vec<Delivery> {
        let act = self.fault.as_ref().map(|struck| &struck.act);
        let named = self.fault.as_ref().map(|it| format!("fault {}: {}", it.id, it.kind.as_str()));
        match act {
            Some(Act::Delay(seconds)) => {
                tokio::time::sleep(Duration::from_secs_f64(*seconds)).await;
                vec![Delivery { problem: named, ..self.send(http).await }]
            }
            Some(Act::Duplicate) => {
                let first = self.send(http).await;
                vec![first, Delivery { problem: named, ..self.send(http).await }]
            }
            // Lost on its way there, or the answer on its way back.
            Some(Act::Drop { applied }) => {
                let sent = if *applied > 0.0 { Some(self.send(http).await) } else { None };
                let mut lost = sent.unwrap_or_else(|| self.note());
                (lost.status, lost.response_body, lost.problem) = (None, Text::default(), named);
                vec![lost]
            }
            Some(_) => vec![Delivery { problem: named, ..self.send(http).await }],
            None => vec![self.send(http).await],
        }
    }

    fn note(&self) -> Delivery {
        Delivery {
            id: 0,
            event_id: self.event_id.clone(),
            call: self.call,
            workspace: self.workspace,
            attempt: self.number,
            at: self.now,
            seconds: 0.0,
            method: "POST",
            url: self.to.url.clone(),
            request_headers: Vec::new(),
            request_body: Text::of(self.body.as_bytes()),
            status: None,
            response_body: Text::default(),
            problem: None,
            next_attempt_at: None,
        }
    }

    async fn send(&self, http: &reqwest::Client) -> Delivery {
        let begun = Instant::now();
        let mut it = self.note();
        match self.exchange(http, &mut it).await {
            Ok((status, body)) => (it.status, it.response_body) = (Some(status), body),
            Err(problem) => it.problem = Some(problem),
        }
        it.seconds = begun.elapsed().as_secs_f64();
        it
    }

    async fn exchange(
        &self,
        http: &reqwest::Client,
        it: &mut Delivery,
    ) -> std::result::Result<(u16, Text), String> {
        // A snapshot or file may hold what this sandbox would not have taken.
        check_url(&self.to.url, self.allow_remote).map_err(|error| error.to_string())?;
        it.request_headers = self.headers().map_err(|error| error.to_string())?;
        let mut request = http.post(&self.to.url).timeout(TRY_TIMEOUT).body(self.body.clone());
        for (name, value) in &it.request_headers {
            request = request.header(name, value);
        }
        let problem = |error: reqwest::Error| {
            let error = error.without_url();
            if error.is_timeout() {
                "no answer within 10 s".to_owned()
            } else if error.is_connect() {
                "nobody could be reached there".to_owned()
            } else {
                error.to_string()
            }
        };
        let mut answer = request.send().await.map_err(problem)?;
        let status = answer.status().as_u16();
        let mut body = Vec::new();
        // The status says it all: what goes wrong with the body is the receiver's affair.
        while let Ok(Some(piece)) = answer.chunk().await {
            body.extend(piece);
            if body.len() > MOST_ANSWER {
                break;
            }
        }
        Ok((status, Text::of(&body)))
    }

    /// The same id, a fresh timestamp and signature. Its time is the receiver's, not the sandbox's:
    /// a receiver would refuse any other.
    fn headers(&self) -> Result<Vec<(String, String)>> {
        let seconds = jiff::Timestamp::now().as_second();
        let sign = |secret: &Secret| {
            let minute = Duration::from_mins(1);
            Verifier::new([secret.clone()], minute, minute)?.sign(
                self.body.as_bytes(),
                &self.event_id,
                CALL_ENDED,
                seconds,
            )
        };
        let mut headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        let signed = sign(&self.to.secret)?;
        headers.extend(signed.map(|(name, value)| (name.to_owned(), value)));
        // While a secret is being rotated, a signature of each.
        if let Some((old, _)) = self.to.previous.as_ref().filter(|(_, until)| self.now < *until) {
            let by_old = sign(old)?;
            for ((_, value), (_, old)) in headers.iter_mut().skip(1).zip(by_old) {
                if let Some((_, signature)) = old.split_once(",v1=") {
                    value.push_str(",v1=");
                    value.push_str(signature);
                }
            }
        }
        Ok(headers)
    }
}

pub(super) fn client() -> Result<reqwest::Client> {
    // A machine without certificates has a sandbox all the same: only webhooks over TLS need them, and
    // each of those then says that it was not trusted.
    let tls = revrag::http::tls_config().or_else(|_| revrag::http::no_tls_config())?;
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent("RevRag-Sandbox-Webhooks")
        .build()
        .map_err(|error| Error::invalid("webhook_url", error.to_string()))
}
