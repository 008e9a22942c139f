//! The way to the service, step by step and without a request: where it ends is what is to be mended.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::CertificateError;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::config::Config;
use super::{proxy, shared, tunnel};
use crate::masked::masked;

/// A part of the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The host's name becomes addresses.
    Resolve,
    /// One of them takes a connection.
    Connect,
    /// The proxy opens a tunnel.
    Tunnel,
    /// The service proves who it is.
    Certificate,
}

/// What kept a stage from being passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// Nobody knows the name.
    NoAddress,
    /// Nobody listens there.
    Refused,
    /// There was no answer in time.
    TimedOut,
    /// The proxy answered with this status.
    ProxyStatus(u16),
    /// Nobody whom this machine trusts signed the certificate.
    UnknownIssuer,
    /// The certificate has expired, or is not valid yet, by this machine's clock.
    OutOfDate,
    /// The certificate is another host's.
    WrongName,
    /// Something else.
    Other,
}

/// One stage, and how it went.
#[derive(Debug, Clone)]
pub struct Step {
    /// Which one.
    pub stage: Stage,
    /// The host, or the host and port, that it is about.
    pub target: String,
    /// What was found there, in words; or what was in the way, and what the system said of it.
    pub outcome: Result<String, (Obstacle, String)>,
    /// Whether it is the way to a proxy.
    pub is_to_proxy: bool,
}

/// Goes as far as it can. No request is made, and the key is not sent.
pub async fn probe(config: &Config) -> Vec<Step> {
    let url = match &config.proxy {
        Some(choice) => choice.url(),
        None => Some(config.base_url.clone()),
    };
    let Some(url) = url else { return Vec::new() };
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let default = if url.scheme().starts_with("socks") { 1080 } else { 443 };
    let port = url.port_or_known_default().unwrap_or(default);
    let is_to_proxy = config.proxy.is_some();
    let mut steps = Vec::new();
    let step = |stage, target, outcome| Step { stage, target, outcome, is_to_proxy };
    let addresses = match resolve(config, &host, port).await {
        Ok(addresses) => addresses,
        Err(obstacle) => {
            steps.push(step(Stage::Resolve, host, Err(obstacle)));
            return steps;
        }
    };
    if host.parse::<IpAddr>().is_err() {
        let found: Vec<String> = addresses.iter().map(|one| one.ip().to_string()).collect();
        steps.push(step(Stage::Resolve, host.clone(), Ok(found.join(", "))));
    }
    let connected = connect(config, &addresses).await;
    let target = format!("{host}:{port}");
    let stream = match connected {
        Ok((address, stream)) => {
            steps.push(step(Stage::Connect, target, Ok(address.to_string())));
            stream
        }
        Err(obstacle) => {
            steps.push(step(Stage::Connect, target, Err(obstacle)));
            return steps;
        }
    };
    let is_encrypted = config.base_url.scheme() == "https";
    match &config.proxy {
        Some(choice) if is_encrypted && !url.scheme().starts_with("socks") => {
            let (target, outcome) = tunnel_through(config, choice, stream).await;
            steps.push(step(Stage::Tunnel, target, outcome));
        }
        None if is_encrypted => {
            let outcome = certificate(config, &host, stream).await;
            steps.push(step(Stage::Certificate, host, outcome));
        }
        _ => {}
    }
    steps
}

type Told<T> = Result<T, (Obstacle, String)>;

async fn resolve(config: &Config, host: &str, port: u16) -> Told<Vec<SocketAddr>> {
    match timeout(config.connect_timeout, lookup_host((host, port))).await {
        Ok(Ok(found)) => {
            let found: Vec<_> = found.collect();
            if found.is_empty() {
                Err((Obstacle::NoAddress, "it has no address".to_owned()))
            } else {
                Ok(found)
            }
        }
        Ok(Err(error)) => Err((Obstacle::NoAddress, error.to_string())),
        Err(_) => Err((Obstacle::TimedOut, "no name server answered in time".to_owned())),
    }
}

async fn connect(config: &Config, addresses: &[SocketAddr]) -> Told<(SocketAddr, TcpStream)> {
    let mut last = (Obstacle::Other, "it has no address".to_owned());
    for address in addresses {
        last = match timeout(config.connect_timeout, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok((*address, stream)),
            Ok(Err(error)) => (obstacle_of(&error), error.to_string()),
            Err(_) => {
                let seconds = config.connect_timeout.as_secs_f64();
                (Obstacle::TimedOut, format!("no answer within {seconds} s"))
            }
        };
    }
    Err(last)
}

fn obstacle_of(error: &io::Error) -> Obstacle {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Obstacle::Refused,
        io::ErrorKind::TimedOut => Obstacle::TimedOut,
        _ => Obstacle::Other,
    }
}

async fn tunnel_through(
    config: &Config,
    choice: &proxy::Choice,
    stream: TcpStream,
) -> (String, Told<String>) {
    let host = config.base_url.host_str().unwrap_or_default();
    let target = format!("{host}:{}", config.base_url.port_or_known_default().unwrap_or(443));
    let asked = tunnel::ask_over(stream, config, choice, &target);
    let asked = timeout(config.connect_timeout, asked).await;
    let outcome = match asked {
        Ok(Some(status)) if status.is_success() => Ok(format!("open to {target}")),
        Ok(Some(status)) => {
            Err((Obstacle::ProxyStatus(status.as_u16()), format!("it answered {status}")))
        }
        Ok(None) => Err((Obstacle::Other, "it answered nothing that a proxy would".to_owned())),
        Err(_) => Err((Obstacle::TimedOut, "it did not answer in time".to_owned())),
    };
    (choice.shown(), outcome)
}

async fn certificate(config: &Config, host: &str, stream: TcpStream) -> Told<String> {
    let other = |text: String| (Obstacle::Other, text);
    let roots =
        config.roots.as_ref().ok_or_else(|| other("there is nobody to trust".to_owned()))?;
    let tls = shared::client_config(roots).map_err(|error| other(error.to_string()))?;
    let name = ServerName::try_from(host.to_owned()).map_err(|error| other(error.to_string()))?;
    let connector = TlsConnector::from(Arc::new(tls));
    match timeout(config.connect_timeout, connector.connect(name, stream)).await {
        Ok(Ok(_)) => Ok("trusted".to_owned()),
        Ok(Err(error)) => Err((doubt_of(&error), masked(&error.to_string()))),
        Err(_) => Err((Obstacle::TimedOut, "no handshake in time".to_owned())),
    }
}

fn doubt_of(error: &io::Error) -> Obstacle {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match inner {
        Some(rustls::Error::InvalidCertificate(doubt)) => match doubt {
            CertificateError::UnknownIssuer => Obstacle::UnknownIssuer,
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Obstacle::OutOfDate,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Obstacle::WrongName
            }
            _ => Obstacle::Other,
        },
        _ => Obstacle::Other,
    }
}
