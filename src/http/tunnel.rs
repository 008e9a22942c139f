//! What a proxy answered that opened no tunnel. Whoever connects through it learns only that it did
//! not, so it is asked once more, for its status alone: nothing is sent through.

use super::config::Config;
use super::{proxy, shared};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderValue, StatusCode};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How the connector's words begin where the proxy's answer was none that opens a tunnel.
const REFUSED: &str = "tunnel error: ";
/// How they go on where the answer was a 407.
const WANTS_CREDENTIALS: &str = "proxy authorization required";
/// The most that is read of an answer, in bytes.
const MOST: u64 = 8 << 10;

/// What kept a connection through `choice` from being made, the proxy and its status named.
pub(super) async fn told(config: &Config, choice: &proxy::Choice, cause: String) -> String {
    let shown = choice.shown();
    let Some(at) = cause.find(REFUSED) else {
        return format!("{cause} (through the proxy {shown})");
    };
    let host = config.base_url.host_str().unwrap_or_default();
    let target = format!("{host}:{}", config.base_url.port_or_known_default().unwrap_or(443));
    let refused = format!("the proxy {shown} did not open a tunnel to {target}");
    let words = cause.get(at + REFUSED.len()..).unwrap_or_default();
    let status = if words.contains(WANTS_CREDENTIALS) {
        Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED)
    } else {
        let asked = ask(config, choice, &target);
        tokio::time::timeout(config.connect_timeout, asked).await.ok().flatten()
    };
    match status {
        Some(StatusCode::PROXY_AUTHENTICATION_REQUIRED) => format!(
            "{refused}: it answered 407 Proxy Authentication Required; check the user name and the \
             password in its URL"
        ),
        Some(StatusCode::OK) => format!("{refused} ({words}); asked once more, it did"),
        Some(status) => format!("{refused}: it answered {status}"),
        None => format!("{refused}: {words}"),
    }
}

/// The status with which the proxy answers a `CONNECT`; none where it can't be had.
pub(super) async fn ask(
    config: &Config,
    choice: &proxy::Choice,
    target: &str,
) -> Option<StatusCode> {
    let url = choice.url()?;
    let host = url.host_str()?.trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, url.port_or_known_default()?)).await.ok()?;
    ask_over(stream, config, choice, target).await
}

/// The same, over a connection to the proxy.
pub(super) async fn ask_over(
    stream: TcpStream,
    config: &Config,
    choice: &proxy::Choice,
    target: &str,
) -> Option<StatusCode> {
    let url = choice.url()?;
    let host = url.host_str()?.trim_matches(['[', ']']);
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n").into_bytes();
    let mut header = |name: &str, value: &HeaderValue| {
        request.extend_from_slice(name.as_bytes());
        request.extend_from_slice(value.as_bytes());
        request.extend_from_slice(b"\r\n");
    };
    header("User-Agent: ", &config.user_agent);
    if let Some((user, password)) = choice.credentials() {
        let basic = BASE64_STANDARD.encode([&user[..], b":", &password].concat());
        header("Proxy-Authorization: Basic ", &HeaderValue::from_str(&basic).ok()?);
    }
    request.extend_from_slice(b"\r\n");
    if !choice.is_tls() {
        return answer(stream, &request).await;
    }
    let tls = shared::client_config(config.roots.as_ref()?).ok()?;
    let name = ServerName::try_from(host.to_owned()).ok()?;
    let stream = TlsConnector::from(std::sync::Arc::new(tls)).connect(name, stream).await.ok()?;
    answer(stream, &request).await
}

async fn answer(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &[u8],
) -> Option<StatusCode> {
    stream.write_all(request).await.ok()?;
    stream.flush().await.ok()?;
    let (mut stream, mut line) = (stream.take(MOST), Vec::new());
    while !line.contains(&b'\n') && stream.read_buf(&mut line).await.ok()? > 0 {}
    status_of(&line)
}

/// The status that a status line says.
fn status_of(line: &[u8]) -> Option<StatusCode> {
    let rest = line.strip_prefix(b"HTTP/1.")?.get(1..)?;
    StatusCode::from_bytes(rest.trim_ascii_start().get(..3)?).ok()
}
