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

    /// The text without what a file, an editor or a copy puts around it: blanks, line ends, control
    /// characters, and characters that nobody sees, such as a byte order mark.
    pub fn bare(&self) -> &str {
        self.expose().trim_matches(|c: char| {
            let is_unseen = matches!(
                c,
                '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
            );
            is_unseen || c.is_whitespace() || c.is_control()
        })
    }

    /// Whether there is something around it, and something within.
    pub fn is_padded(&self) -> bool {
        let bare = self.bare();
        !bare.is_empty() && bare.len() < self.expose().len()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}
