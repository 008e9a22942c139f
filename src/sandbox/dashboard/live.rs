//! Tells open pages that something has changed: server-sent events, one word each.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http_body::Frame;
use tokio::sync::mpsc;

use super::super::config::Pace;
use super::super::routes::Shared;

/// At most one event in so long: a page is read by a person.
const CALM: Duration = Duration::from_millis(150);
/// Where time passes by itself, the clock on the page does, too.
const TICK: Duration = Duration::from_secs(1);
/// Where it does not, a sign of life: a connection that broke is found out.
const QUIET: Duration = Duration::from_secs(20);

pub(super) async fn events(State(shared): State<Arc<Shared>>) -> Response {
    let (send, events) = mpsc::channel(1);
    let mut seen = shared.engine.watch();
    let mut requests = shared.requests.changed();
    let mut deliveries = shared.deliveries.changed();
    let (idle, word) = match shared.engine.pace() {
        Pace::ByHand => (QUIET, ": quiet\n\n"),
        Pace::Real | Pace::Times(_) => (TICK, CHANGED),
    };
    tokio::spawn(async move {
        let mut event = Bytes::from_static(b"retry: 1000\n\n");
        // It ends when the page is closed: then nobody takes the event.
        while send.send(event).await.is_ok() {
            tokio::time::sleep(CALM).await;
            let word = tokio::select! {
                _ = seen.changed() => CHANGED,
                _ = requests.changed() => CHANGED,
                _ = deliveries.changed() => CHANGED,
                () = tokio::time::sleep(idle) => word,
                () = send.closed() => return,
            };
            event = Bytes::from_static(word.as_bytes());
        }
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream"), (header::CACHE_CONTROL, "no-store")];
    (kind, Body::new(Events(events))).into_response()
}

const CHANGED: &str = "event: changed\ndata:\n\n";

struct Events(mpsc::Receiver<Bytes>);

impl http_body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|event| event.map(|event| Ok(Frame::data(event))))
    }
}
