//! What a client is told: argument, then environment, then default.

use std::path::PathBuf;
use std::time::Duration;

use http::HeaderValue;
use url::{Host, Url};

use super::proxy;
use super::tls;
use crate::{Error, Result, Secret};

/// The production service.
pub const PRODUCTION: &str = "https://api.revrag.ai";
/// The staging service.
pub const STAGING: &str = "https://staging-api.revrag.ai";

/// What the caller asked for; [`None`] leaves it to the environment or the default.
#[derive(Debug, Clone)]
pub struct Options {
    /// The API key, else `REVRAG_API_KEY`.
    pub api_key: Option<Secret>,
    /// The service, else `REVRAG_BASE_URL`, else [`PRODUCTION`].
    pub base_url: Option<String>,
    /// The bound on each try.
    pub timeout: Duration,
    /// The bound on making a connection.
    pub connect_timeout: Duration,
    /// Tries after the first.
    pub max_retries: u32,
    /// A proxy for everything, with its credentials, else the usual environment variables.
    pub proxy: Option<Secret>,
    /// No proxy, whatever the environment says.
    pub direct: bool,
    /// A file of PEM certificates to trust beside the platform's, or beside those of the file that
    /// `SSL_CERT_FILE` names in their place.
    pub ca_bundle: Option<PathBuf>,
    /// The largest response body that is read, decompressed.
    pub max_response_bytes: u64,
    /// What goes before the crate's own name in `User-Agent`.
    pub user_agent: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            api_key: None,
            base_url: None,
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            max_retries: 2,
            proxy: None,
            direct: false,
            ca_bundle: None,
            max_response_bytes: 64 << 20,
            user_agent: None,
        }
    }
}

/// Bounds of single requests, which need no connections of their own; [`None`] leaves one as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bounds {
    /// The bound on each try.
    pub timeout: Option<Duration>,
    /// Tries after the first.
    pub max_retries: Option<u32>,
    /// The largest response body that is read, decompressed.
    pub max_response_bytes: Option<u64>,
}

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Config {
    pub(super) api_key: HeaderValue,
    pub(super) user_agent: HeaderValue,
    pub(super) base_url: Url,
    pub(super) timeout: Duration,
    pub(super) connect_timeout: Duration,
    pub(super) max_retries: u32,
    pub(super) proxy: Option<proxy::Choice>,
    /// Whom to trust, where anything is encrypted.
    pub(super) roots: Option<tls::Roots>,
    pub(super) max_response_bytes: u64,
}

impl Config {
    /// Checks `options` and fills them up from the environment, as `env` tells it.
    pub fn resolve(options: &Options, env: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let env = |name: &str| env(name).filter(|value| !value.is_empty());
        let (name, key) = match (&options.api_key, env("REVRAG_API_KEY")) {
            (Some(key), _) => ("api_key", key.clone()),
            (None, Some(key)) => ("REVRAG_API_KEY", Secret::new(key)),
            (None, None) => {
                return Err(Error::invalid(
                    "api_key",
                    "there is none; pass api_key=… or set the environment variable REVRAG_API_KEY",
                ));
            }
        };
        let api_key = key_header(name, &key)?;
        let (name, base_url) = match (&options.base_url, env("REVRAG_BASE_URL")) {
            (Some(url), _) => ("base_url", url.clone()),
            (None, Some(url)) => ("REVRAG_BASE_URL", url),
            (None, None) => ("base_url", PRODUCTION.to_owned()),
        };
        let base_url = parse_base_url(name, &base_url)?;
        positive("timeout", options.timeout)?;
        positive("connect_timeout", options.connect_timeout)?;
        if options.max_response_bytes == 0 {
            return Err(Error::invalid("max_response_bytes", "it must be at least 1"));
        }
        let own = concat!("revrag/", env!("CARGO_PKG_VERSION"));
        let user_agent = match &options.user_agent {
            Some(outer) => format!("{own} {outer}"),
            None => own.to_owned(),
        };
        let proxy = match &options.proxy {
            None if options.direct => None,
            url => proxy::choose(url.as_ref().map(Secret::expose), &base_url, &env)?,
        };
        let encrypted =
            base_url.scheme() == "https" || proxy.as_ref().is_some_and(proxy::Choice::is_tls);
        let roots = tls::Roots::of(options.ca_bundle.as_deref(), encrypted, &env)?;
        Ok(Self {
            api_key,
            user_agent: HeaderValue::try_from(user_agent)
                .map_err(|_| Error::invalid("user_agent", "it can't be sent in a header"))?,
            proxy,
            roots: encrypted.then_some(roots),
            base_url,
            timeout: options.timeout,
            connect_timeout: options.connect_timeout.min(options.timeout),
            max_retries: options.max_retries,
            max_response_bytes: options.max_response_bytes,
        })
    }

    /// The same with other bounds.
    pub(super) fn with_bounds(&self, bounds: Bounds) -> Result<Self> {
        let mut config = self.clone();
        if let Some(timeout) = bounds.timeout {
            positive("timeout", timeout)?;
            config.timeout = timeout;
        }
        config.max_retries = bounds.max_retries.unwrap_or(self.max_retries);
        config.max_response_bytes = bounds.max_response_bytes.unwrap_or(self.max_response_bytes);
        Ok(config)
    }

    /// The API key.
    pub fn api_key(&self) -> Secret {
        Secret::new(String::from_utf8_lossy(self.api_key.as_bytes()))
    }

    /// The bound on each try.
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Tries after the first.
    pub const fn max_retries(&self) -> u32 {
        self.max_retries
    }

    /// The proxy that requests go through, its credentials masked.
    pub fn proxy(&self) -> Option<String> {
        self.proxy.as_ref().map(proxy::Choice::shown)
    }

    /// The service's URL, without a slash at its end.
    pub fn base_url(&self) -> &str {
        self.base_url.as_str().trim_end_matches('/')
    }
}

fn positive(name: &str, value: Duration) -> Result<()> {
    if value.is_zero() {
        return Err(Error::invalid(name, "it must be more than 0 seconds"));
    }
    Ok(())
}

fn key_header(name: &str, key: &Secret) -> Result<HeaderValue> {
    let text = key.expose();
    let problem = if text.is_empty() {
        "it is empty"
    } else if text.contains(['\r', '\n']) {
        "it holds a line break, as a key read from a file does; strip it"
    } else if !text.bytes().all(|b| b.is_ascii_graphic()) {
        "it holds a character that no API key has: only visible ASCII can be sent"
    } else if let Ok(mut value) = HeaderValue::from_str(text) {
        value.set_sensitive(true);
        return Ok(value);
    } else {
        "it can't be sent in a header"
    };
    Err(Error::invalid(name, problem))
}

fn parse_base_url(name: &str, text: &str) -> Result<Url> {
    let refuse = |problem: &str| Err(Error::invalid(name, problem));
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return refuse("it holds white space or a control character");
    }
    let Ok(mut url) = Url::parse(text) else {
        return refuse("it is not a URL; it should look like https://api.revrag.ai");
    };
    match (url.scheme(), url.host()) {
        (_, None) => return refuse("it names no host"),
        ("https", _) => {}
        ("http", Some(host)) if is_loopback(&host) => {}
        ("http", _) => {
            return refuse(
                "http:// would send the API key unencrypted; it is allowed for a loopback address \
                 only, use https://",
            );
        }
        _ => return refuse("its scheme must be https"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("it must not hold a user name or password");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("it must not have a query or fragment");
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// Whether traffic to `host` stays on this machine.
pub(super) fn is_loopback<S: AsRef<str>>(host: &Host<S>) -> bool {
    match host {
        Host::Domain(name) => name.as_ref().eq_ignore_ascii_case("localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_key(base_url: &str) -> Options {
        Options {
            api_key: Some(Secret::new("key-1")),
            base_url: Some(base_url.to_owned()),
            ..Options::default()
        }
    }

    fn resolve(base_url: &str) -> Result<Config> {
        Config::resolve(&with_key(base_url), |_| None)
    }

    #[test]
    fn argument_then_environment_then_default() {
        let env = |name: &str| match name {
            "REVRAG_API_KEY" => Some("from-env".to_owned()),
            "REVRAG_BASE_URL" => Some(STAGING.to_owned()),
            _ => None,
        };
        let from_env = Config::resolve(&Options::default(), env).unwrap();
        assert_eq!(from_env.base_url(), STAGING);
        assert_eq!(from_env.api_key, "from-env");
        let given = Config::resolve(&with_key("https://example.test"), env).unwrap();
        assert_eq!(given.base_url(), "https://example.test");
        assert_eq!(given.api_key, "key-1");
        let options = Options { base_url: None, ..with_key("") };
        assert_eq!(Config::resolve(&options, |_| None).unwrap().base_url(), PRODUCTION);
    }

    #[test]
    fn a_missing_key_names_both_ways_to_give_it() {
        for env in [None, Some(String::new())] {
            let error =
                Config::resolve(&Options::default(), |_| env.clone()).unwrap_err().to_string();
            assert!(error.contains("api_key=") && error.contains("REVRAG_API_KEY"), "{error}");
        }
    }

    #[test]
    fn the_key_is_not_printed() {
        assert!(!format!("{:?}", resolve(PRODUCTION).unwrap()).contains("key-1"));
        for key in ["", "key\r\nX-Evil: 1", "key\n", "kéy", "a b", "a\0b"] {
            let options = Options { api_key: Some(Secret::new(key)), ..Options::default() };
            let error = Config::resolve(&options, |_| None).unwrap_err().to_string();
            assert!(key.is_empty() || !error.contains(key), "{error}");
        }
    }

    #[test]
    fn plain_http_stays_on_the_machine() {
        for good in [
            "http://127.0.0.1:8000",
            "http://127.9.9.9",
            "http://[::1]:1/api/",
            "http://localhost",
            "https://example.test/prefix",
        ] {
            assert!(resolve(good).is_ok(), "{good}");
        }
        for bad in [
            "http://api.revrag.ai",
            "http://10.0.0.1",
            "http://localhost.example.test",
            "http://[::2]",
            "ftp://127.0.0.1",
            "https://",
            "https://user:pass@example.test",
            "https://example.test?x=1",
            "https://example.test#x",
            "https://example.test\n",
            "example.test",
            "",
        ] {
            assert!(resolve(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_path_prefix_is_kept() {
        assert_eq!(resolve("https://h.test/a/b//").unwrap().base_url(), "https://h.test/a/b");
        assert_eq!(resolve("https://h.test/").unwrap().base_url(), "https://h.test");
    }
}
