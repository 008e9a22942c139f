//! A body that comes slowly, or not to its end.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::{Sleep, sleep};

/// Pieces of a slow body, at most.
const MOST: usize = 20;

/// A body in pieces.
pub(super) struct Pieces {
    left: Bytes,
    size: usize,
    pause: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
    breaks: bool,
}

impl Pieces {
    /// All of a body, over so many seconds.
    pub(super) fn slow(body: Bytes, seconds: f64) -> Self {
        let size = body.len().div_ceil(MOST).max(1);
        let count = u32::try_from(body.len().div_ceil(size).max(1)).unwrap_or(1);
        let pause = Duration::from_secs_f64(seconds) / count;
        Self { left: body, size, pause, sleep: None, breaks: false }
    }

    /// Half of a body, after which the connection breaks.
    pub(super) fn half(mut body: Bytes) -> Self {
        body.truncate(body.len() / 2);
        let size = body.len().max(1);
        // Before it breaks, what there is goes out.
        let pause = Duration::from_millis(5);
        Self { left: body, size, pause, sleep: None, breaks: true }
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let it = &mut *self;
        let pause = it.pause;
        let waiting = it.sleep.get_or_insert_with(|| Box::pin(sleep(pause)));
        if waiting.as_mut().poll(context).is_pending() {
            return Poll::Pending;
        }
        it.sleep = None;
        if !it.left.is_empty() {
            let piece = it.left.split_to(it.size.min(it.left.len()));
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        Poll::Ready(it.breaks.then(|| Err(io::ErrorKind::ConnectionAborted.into())))
    }
}
