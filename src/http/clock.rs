//! The service's clock, as its answers tell it.

use std::time::SystemTime;

/// How a sandbox calls itself in `Server`.
pub const SANDBOX: &str = concat!("revrag-sandbox/", env!("CARGO_PKG_VERSION"));

/// What an answer says of the service's time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ServiceClock {
    /// Its `Date`, which has whole seconds.
    pub date: Option<SystemTime>,
    /// Whether it is a sandbox's, which is no other machine's.
    pub is_sandboxed: bool,
}

impl ServiceClock {
    /// What headers with these names, in small letters, say of it.
    pub fn of<'a>(headers: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Self {
        let mut clock = Self::default();
        for (name, value) in headers {
            match name {
                "date" => {
                    let text = std::str::from_utf8(value).ok();
                    let date = text.and_then(|text| httpdate::parse_http_date(text).ok());
                    clock.date = clock.date.or(date);
                }
                "server" => clock.is_sandboxed = value.starts_with(b"revrag-sandbox/"),
                _ => {}
            }
        }
        clock
    }
}
