//! The listening socket and its connections: HTTP/1 as everywhere, and what only faults ask for.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, watch};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// Marks a response in whose place the connection is reset.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut;

/// Until when nobody is let in.
#[derive(Debug)]
pub(super) struct Door {
    shut_until: Mutex<Option<Instant>>,
    /// Grows whenever the door is shut.
    shut: watch::Sender<u64>,
    opened: Notify,
    /// Whether nobody is let in now.
    is_shut: watch::Sender<bool>,
}

impl Door {
    pub(super) fn new() -> Self {
        Self {
            shut_until: Mutex::new(None),
            shut: watch::Sender::new(0),
            opened: Notify::new(),
            is_shut: watch::Sender::new(false),
        }
    }

    /// Accepts no connection for this long, and closes those that wait for a request.
    pub(super) fn shut(&self, seconds: Duration) {
        *self.shut_until.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Instant::now() + seconds);
        self.shut.send_modify(|count| *count += 1);
    }

    /// The same; nobody is let in any more when it is over.
    pub(super) async fn shut_now(&self, seconds: Duration) {
        let mut is_shut = self.is_shut.subscribe();
        self.shut(seconds);
        // One that opens before this is heard was shut, too.
        let _ = tokio::time::timeout(seconds, is_shut.wait_for(|is_shut| *is_shut)).await;
    }

    /// Waits for it to be shut or open, as it was told; a second at most.
    pub(super) fn settle(&self) {
        let until = Instant::now() + Duration::from_secs(1);
        while *self.is_shut.borrow() != self.left().is_some() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Lets everybody in again.
    pub(super) fn open(&self) {
        *self.shut_until.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.opened.notify_one();
    }

    fn left(&self) -> Option<Duration> {
        let until = *self.shut_until.lock().unwrap_or_else(PoisonError::into_inner);
        until?.checked_duration_since(Instant::now()).filter(|left| !left.is_zero())
    }
}

/// Serves all who come, for ever. `patience` is how long a request's head may take.
pub(super) async fn serve(
    listener: TcpListener,
    address: SocketAddr,
    door: &Door,
    router: Router,
    patience: Duration,
) {
    let mut shut = door.shut.subscribe();
    let mut listener = Some(listener);
    loop {
        if door.left().is_some() {
            drop(listener.take());
            // Bound and not listening, it keeps the port: who connects is refused.
            let holder = bind(address);
            door.is_shut.send_replace(true);
            while let Some(left) = door.left() {
                tokio::select! {
                    () = tokio::time::sleep(left) => {}
                    () = door.opened.notified() => {}
                }
            }
            listener = holder.and_then(|holder| holder.listen(BACKLOG)).ok();
            door.is_shut.send_replace(false);
        }
        let Some(open) = &listener else {
            // Somebody else has the port; they may go.
            tokio::time::sleep(Duration::from_millis(20)).await;
            listener = bind(address).and_then(|socket| socket.listen(BACKLOG)).ok();
            continue;
        };
        tokio::select! {
            accepted = open.accept() => match accepted {
                Ok((stream, _)) => {
                    let _ = stream.set_nodelay(true);
                    let shut = door.shut.subscribe();
                    tokio::spawn(connection(stream, router.clone(), shut, patience));
                }
                // Out of files, most likely: some will be closed.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            _ = shut.changed() => {}
        }
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    // Old connections in TIME_WAIT keep nobody from the port.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, &'static str>> + Send>>;

async fn connection(
    stream: TcpStream,
    router: Router,
    mut shut: watch::Receiver<u64>,
    patience: Duration,
) {
    let inner = TowerToHyperService::new(router);
    let cut = Arc::new(AtomicBool::new(false));
    let cuts = cut.clone();
    let service = service_fn(move |request: Request<Incoming>| -> Answer {
        let (answer, cuts) = (inner.call(request), cuts.clone());
        Box::pin(async move {
            let mut response = answer.await.unwrap_or_else(|never: Infallible| match never {});
            match response.extensions_mut().remove::<Cut>() {
                Some(Cut) => {
                    cuts.store(true, Ordering::Relaxed);
                    Err("cut off on order")
                }
                None => Ok(response),
            }
        })
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .serve_connection(TokioIo::new(stream), service);
    let mut closing = false;
    loop {
        let mut change = pin!(shut.changed());
        tokio::select! {
            _ = poll_fn(|context| connection.poll_without_shutdown(context)) => break,
            _ = &mut change, if !closing => closing = true,
        }
        // Closed at once where it waits for a request, and after the answer where it has one.
        Pin::new(&mut connection).graceful_shutdown();
    }
    if cut.load(Ordering::Relaxed) {
        // A broken connection ends in a reset.
        let _ = connection.into_parts().io.into_inner().set_zero_linger();
    }
}
