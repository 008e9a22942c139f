//! Which proxy a client goes through: decided once, because it talks to one host only.

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

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
    let either = |name: &str| env(&name.to_lowercase()).or_else(|| env(name));
    let specific = match base_url.scheme() {
        // A CGI server sets HTTP_PROXY from a request's `Proxy:` header.
        "http" if env("REQUEST_METHOD").is_some() => None,
        "http" => either("HTTP_PROXY"),
        _ => either("HTTPS_PROXY"),
    };
    let Some(text) = specific.or_else(|| either("ALL_PROXY")) else {
        return Ok(None);
    };
    let text = if text.contains("://") { text } else { format!("http://{text}") };
    let matcher = Matcher::builder().all(&*text).no(either("NO_PROXY").unwrap_or_default()).build();
    if base_url.as_str().parse().ok().and_then(|uri| matcher.intercept(&uri)).is_none() {
        return Ok(None);
    }
    let choice = parse("the proxy that the environment names", &text)?;
    Ok((!plain || choice.loopback).then_some(choice))
}

fn parse(name: &str, text: &str) -> Result<Choice> {
    let refuse = |problem: &str| Error::invalid(name, problem);
    let url = Url::parse(text)
        .map_err(|_| refuse("it is not a URL; it should look like http://proxy.example:3128"))?;
    if !["http", "https", "socks5", "socks5h"].contains(&url.scheme()) {
        return Err(refuse("its scheme must be http, https, socks5 or socks5h"));
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
