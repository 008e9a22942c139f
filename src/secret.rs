//! A secret that can be used but not printed.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// An API key or a webhook secret. Its `Debug` is redacted, it has no `Display`, and its memory is
/// wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// The text itself: every use of this is a place where the secret leaves its wrapping.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}
