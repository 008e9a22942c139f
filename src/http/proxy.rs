//! Which proxy a client goes through: decided once, because it talks to one host only.

use std::net::IpAddr;

use url::{Host, Url};

use super::config::is_loopback;
use crate::{Error, Result, Secret};

/// The proxy to use, with its credentials.
#[derive(Debug, Clone)]
pub(super) struct Choice {
    url: Secret,
    tls: bool,
    loopback: bool,
}

impl Choice {
    /// As reqwest wants it.
    pub(super) fn to_reqwest(&self) -> reqwest::Result<reqwest::Proxy> {
        reqwest::Proxy::all(self.url.expose())
    }

    /// Its URL, credentials and all.
    pub(super) fn url(&self) -> Option<Url> {
        Url::parse(self.url.expose()).ok()
    }

    /// User name and password, if it has any.
    pub(super) fn credentials(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let url = self.url()?;
        let (user, password) = (url.username(), url.password().unwrap_or_default());
        let decoded = |text: &str| percent_encoding::percent_decode_str(text).collect();
        (!user.is_empty() || !password.is_empty()).then(|| (decoded(user), decoded(password)))
    }

    /// As it may be shown: `***` in the place of its credentials, and nothing after its port.
    pub(super) fn shown(&self) -> String {
        let Some(url) = self.url() else { return "***".to_owned() };
        let secret = if self.credentials().is_some() { "***@" } else { "" };
        let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
        format!("{}://{secret}{}{port}", url.scheme(), url.host_str().unwrap_or_default())
    }

    /// Whether the way to the proxy itself is TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.tls
    }
}

/// The proxy for `base_url`: the argument, else what the environment names for it.
///
/// Plain `http://` is allowed to a loopback address only, so such a request never goes through a
/// proxy on another machine: the argument is refused, the environment is passed over.
pub(super) fn choose(
    argument: Option<&str>,
    base_url: &Url,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<Choice>> {
    let plain = base_url.scheme() == "http";
    if let Some(text) = argument {
        let choice = parse("proxy", text)?;
        if plain && !choice.loopback {
            return Err(Error::invalid(
                "proxy",
                "an http:// base_url would send the API key unencrypted to a proxy on another \
                 machine; use an https:// base_url",
            ));
        }
        return Ok(Some(choice));
    }
    let either = |name: &str| {
        let named = |name: String| env(&name).map(|text| (name, bare(&text).to_owned()));
        let set = |name: String| named(name).filter(|(_, text)| !text.is_empty());
        set(name.to_lowercase()).or_else(|| set(name.to_owned()))
    };
    let specific = match base_url.scheme() {
        // A CGI server sets HTTP_PROXY from a request's `Proxy:` header.
        "http" if env("REQUEST_METHOD").is_some() => None,
        "http" => either("HTTP_PROXY"),
        _ => either("HTTPS_PROXY"),
    };
    let Some((name, text)) = specific.or_else(|| either("ALL_PROXY")) else {
        return Ok(None);
    };
    if either("NO_PROXY").is_some_and(|(_, list)| is_excepted(&list, base_url)) {
        return Ok(None);
    }
    let text = if text.contains("://") { text } else { format!("http://{text}") };
    match parse(&name, &text) {
        Ok(choice) => Ok((!plain || choice.loopback).then_some(choice)),
        // What it names would not be used for a request that stays on this machine.
        Err(_) if plain => Ok(None),
        Err(error) => Err(error),
    }
}

/// A variable's text without blanks and quotes around it, which a shell or a file left there.
fn bare(text: &str) -> &str {
    let text = text.trim();
    let unquoted = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    unquoted('"').or_else(|| unquoted('\'')).unwrap_or(text).trim()
}

/// Whether a list as in `NO_PROXY` names the host of `url`: `*`, a domain with all below it, an
/// address or a range of them (`10.0.0.0/8`), each of the first and third also with a port.
fn is_excepted(list: &str, url: &Url) -> bool {
    let entries = list.split(|c: char| c == ',' || c.is_whitespace()).map(bare);
    let mut entries = entries.filter(|entry| !entry.is_empty());
    let Some(host) = url.host() else { return false };
    let address = match host {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::from(address)),
        Host::Ipv6(address) => Some(address.into()),
    };
    entries.any(|entry| {
        if let Some((network, length)) = entry.split_once('/') {
            let network = network.trim_matches(['[', ']']).parse::<IpAddr>();
            return match (address, network, length.parse()) {
                (Some(address), Ok(network), Ok(length)) => is_within(address, network, length),
                _ => false,
            };
        }
        let (name, port) = split_port(entry);
        if port.is_some_and(|port| url.port_or_known_default() != Some(port)) {
            return false;
        }
        if name == "*" {
            return true;
        }
        match (&host, name.parse::<IpAddr>()) {
            (_, Ok(named)) => address == Some(named),
            (Host::Domain(host), _) => {
                let name = name.trim_start_matches('*').trim_start_matches('.');
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                let host = host.trim_end_matches('.').to_ascii_lowercase();
                let above = host.strip_suffix(&name);
                !name.is_empty() && above.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            _ => false,
        }
    })
}

/// `host:8443`, `[::1]:8443`, or a host alone.
fn split_port(entry: &str) -> (&str, Option<u16>) {
    if let Some((address, rest)) = entry.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (address, rest.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match entry.split_once(':') {
        Some((host, port)) if !port.contains(':') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (entry, None),
        },
        _ => (entry, None),
    }
}

fn is_within(address: IpAddr, network: IpAddr, length: u32) -> bool {
    let (address, network, bits) = match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => (one.to_bits().into(), other.to_bits().into(), 32),
        (IpAddr::V6(one), IpAddr::V6(other)) => (one.to_bits(), other.to_bits(), 128),
        _ => return false,
    };
    let differing: u128 = address ^ network;
    length <= bits && differing.checked_shr(bits - length).unwrap_or_default() == 0
}

fn parse(name: &str, text: &str) -> Result<Choice> {
    let refuse = |problem: &str| Error::invalid(name, problem);
    let url = Url::parse(text)
        .map_err(|_| refuse("it is not a URL; it should look like http://proxy.example:3128"))?;
    if !["http", "https", "socks5", "socks5h"].contains(&url.scheme()) {
        return Err(refuse(match url.scheme() {
            "socks" => {
                "its scheme socks:// may mean several protocols; write socks5:// or socks5h://"
            }
            _ => "its scheme must be http, https, socks5 or socks5h",
        }));
    }
    let host = url.host().ok_or_else(|| refuse("it names no host"))?;
    Ok(Choice {
        tls: url.scheme() == "https",
        loopback: is_loopback(&host),
        url: Secret::new(url.as_str()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(
        argument: Option<&str>,
        base_url: &str,
        env: &[(&str, &str)],
    ) -> Result<Option<Choice>> {
        let env =
            |name: &str| env.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        choose(argument, &Url::parse(base_url).unwrap(), &env)
    }

    fn url(argument: Option<&str>, base_url: &str, env: &[(&str, &str)]) -> Option<String> {
        chosen(argument, base_url, env).unwrap().map(|choice| choice.url.expose().to_owned())
    }

    #[test]
    fn the_argument_wins_over_the_environment() {
        let env = [("HTTPS_PROXY", "http://env.test:3128")];
        assert_eq!(
            url(Some("http://arg.test:1"), "https://api.test", &env).unwrap(),
            "http://arg.test:1/"
        );
        assert_eq!(url(None, "https://api.test", &env).unwrap(), "http://env.test:3128/");
        assert_eq!(url(None, "https://api.test", &[]), None);
    }

    #[test]
    fn no_proxy_is_honoured() {
        let env = [("https_proxy", "http://env.test:3128"), ("no_proxy", "other.test,.api.test")];
        assert_eq!(url(None, "https://eu.api.test", &env), None);
        assert!(url(None, "https://api.example", &env).is_some());
    }

    #[test]
    fn every_form_of_exception_is_honoured() {
        let passes = |list: &str, base_url: &str| {
            let env = [("https_proxy", "http://env.test:3128"), ("NO_PROXY", list)];
            url(None, base_url, &env).is_none()
        };
        for (list, base_url) in [
            ("*", "https://api.test"),
            (" * ", "https://api.test"),
            ("\"*\"", "https://api.test"),
            ("x.test, api.test", "https://api.test"),
            ("x.test api.test", "https://API.test"),
            ("api.test:443", "https://api.test"),
            ("api.test:8443", "https://api.test:8443"),
            (".api.test:8443", "https://eu.api.test:8443"),
            ("*.api.test", "https://eu.api.test"),
            ("*:8443", "https://api.test:8443"),
            ("10.0.0.0/8", "https://10.1.2.3"),
            ("10.1.2.3:443", "https://10.1.2.3"),
            ("[::2]:443", "https://[::2]"),
            ("::2", "https://[::2]"),
            ("fd00::/8", "https://[fd12::1]"),
        ] {
            assert!(passes(list, base_url), "{list} {base_url}");
        }
        for (list, base_url) in [
            ("", "https://api.test"),
            ("api.test:8443", "https://api.test"),
            ("*:8443", "https://api.test"),
            ("pi.test", "https://api.test"),
            ("eu.api.test", "https://api.test"),
            ("10.0.0.0/33", "https://10.1.2.3"),
            ("10.0.0.0/16", "https://10.1.2.3"),
            ("10.1.2.3:444", "https://10.1.2.3"),
            (".", "https://api.test"),
            (",", "https://api.test"),
        ] {
            assert!(!passes(list, base_url), "{list} {base_url}");
        }
    }

    #[test]
    fn a_variable_that_cannot_be_read_is_an_error() {
        let chosen = |text: &str, base_url: &str| chosen(None, base_url, &[("ALL_PROXY", text)]);
        for text in ["socks://proxy.test:1080", "ftp://proxy.test", "http://", "http://a b:1"] {
            let error = chosen(text, "https://api.test").unwrap_err().to_string();
            assert!(error.starts_with("ALL_PROXY: "), "{error}");
            assert!(chosen(text, "http://127.0.0.1:8000").unwrap().is_none(), "{text}");
        }
        for text in [" http://proxy.test:1 ", "\"http://proxy.test:1\"", "' proxy.test:1 '\n"] {
            let choice = chosen(text, "https://api.test").unwrap().unwrap();
            assert_eq!(choice.url.expose(), "http://proxy.test:1/", "{text}");
        }
        for text in ["", " ", "''"] {
            assert!(chosen(text, "https://api.test").unwrap().is_none(), "{text}");
        }
    }

    #[test]
    fn credentials_are_kept_and_not_printed() {
        let text = "http://me:p%40ss@arg.test:1/";
        for choice in [
            chosen(Some(text), "https://api.test", &[]),
            chosen(None, "https://api.test", &[("ALL_PROXY", text)]),
            chosen(None, "https://api.test", &[("https_proxy", "me:p%40ss@arg.test:1")]),
        ] {
            let choice = choice.unwrap().unwrap();
            assert_eq!(choice.url.expose(), text);
            assert!(!format!("{choice:?}").contains("me:"));
            assert_eq!(choice.shown(), "http://***@arg.test:1");
            assert_eq!(choice.credentials().unwrap(), (b"me".to_vec(), b"p@ss".to_vec()));
        }
    }

    #[test]
    fn what_is_shown_holds_no_credentials() {
        for (text, expected) in [
            ("https://proxy.test", "https://proxy.test"),
            ("http://me@proxy.test:80/path?secret#x", "http://***@proxy.test"),
            ("http://:pass@[::1]:3128", "http://***@[::1]:3128"),
            ("socks5h://me:pass@proxy.test:1080", "socks5h://***@proxy.test:1080"),
        ] {
            let choice = chosen(Some(text), "https://api.test", &[]).unwrap().unwrap();
            assert_eq!(choice.shown(), expected);
        }
    }

    #[test]
    fn a_key_in_plain_text_never_leaves_the_machine() {
        let local = "http://127.0.0.1:8000";
        assert!(chosen(Some("http://proxy.test:3128"), local, &[]).is_err());
        assert_eq!(url(None, local, &[("http_proxy", "http://proxy.test:3128")]), None);
        assert!(url(None, local, &[("http_proxy", "http://127.0.0.1:3128")]).is_some());
        assert!(url(Some("http://[::1]:3128"), local, &[]).is_some());
    }

    #[test]
    fn what_a_cgi_request_could_set_is_ignored() {
        let env = [("HTTP_PROXY", "http://127.0.0.1:1"), ("REQUEST_METHOD", "GET")];
        assert_eq!(url(None, "http://127.0.0.1:8000", &env), None);
    }

    #[test]
    fn bad_proxies_are_refused() {
        for bad in ["", "proxy", "ftp://proxy.test", "http://"] {
            assert!(chosen(Some(bad), "https://api.test", &[]).is_err(), "{bad}");
        }
    }
}
