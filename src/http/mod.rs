//! The client: what it is told ([`Config`]), what may be sent again ([`retry`]), one try over the
//! wire (`transport`), and one `async fn` per endpoint ([`Client`]).

mod body;
mod buffers;
mod calls;
mod client;
mod clock;
mod config;
mod echo;
mod endpoints;
mod listing;
mod looks;
mod observe;
mod passage;
mod per_process;
mod probe;
mod proxy;
pub mod retry;
mod shared;
mod tls;
mod transport;
mod tunnel;
mod wait;
mod watch;

pub use calls::{Fetched, Pace, Wanted};
pub use client::Client;
pub use clock::SANDBOX;
pub use clock::ServiceClock;
pub use config::{Bounds, Config, Options, PRODUCTION, STAGING};
pub use endpoints::{MAX_PAGE_SIZE, RecordsQuery, parse_id};
pub use listing::{Listing, Page};
pub use observe::{Observer, RequestEvent};
pub use passage::Passage;
pub use per_process::PerProcess;
pub use probe::{Obstacle, Stage, Step, probe};
pub use transport::Departure;
pub use watch::Watch;

/// The TLS side of a client that trusts the platform.
pub fn tls_config() -> crate::Result<rustls::ClientConfig> {
    tls::client_config(&tls::Roots::default())
}

/// The TLS side of a client that speaks plain HTTP only.
pub fn no_tls_config() -> crate::Result<rustls::ClientConfig> {
    tls::no_config()
}
