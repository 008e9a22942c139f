//! What the clients of a process share: loaded certificates.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use rustls::ClientConfig;

use super::tls::{self, Roots};
use crate::Result;

/// How many kinds of clients are kept in mind.
const MOST: usize = 8;
/// After how long the platform's store is read anew for a new client.
const FRESH: Duration = Duration::from_mins(10);

struct Loaded {
    roots: Roots,
    environment: Environment,
    at: Instant,
    config: ClientConfig,
}

/// What decides, beside the arguments, on the certificates of the platform.
type Environment = [Option<std::ffi::OsString>; 2];

/// The TLS side of a client, loaded once for all that trust the same. No lock is taken: a fork may
/// happen while another thread holds it.
pub(super) fn client_config(roots: &Roots) -> Result<ClientConfig> {
    static LOADED: std::sync::LazyLock<ArcSwap<Vec<Arc<Loaded>>>> =
        std::sync::LazyLock::new(ArcSwap::default);
    let environment = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(std::env::var_os);
    let fits = |one: &Arc<Loaded>| {
        one.environment == environment && one.roots == *roots && one.at.elapsed() < FRESH
    };
    if let Some(found) = LOADED.load().iter().find(|one| fits(one)) {
        return Ok(found.config.clone());
    }
    let config = tls::client_config(roots)?;
    let loaded = Arc::new(Loaded {
        roots: roots.clone(),
        environment: environment.clone(),
        at: Instant::now(),
        config: config.clone(),
    });
    LOADED.rcu(|before| {
        let others = before.iter().filter(|one| !fits(one)).take(MOST - 1).cloned();
        std::iter::once(loaded.clone()).chain(others).collect::<Vec<_>>()
    });
    Ok(config)
}
