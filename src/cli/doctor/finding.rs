//! What was found, and its remedy.

use serde::{Serialize, Serializer};

use crate::failure::Kind;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Health {
    Good,
    /// It works, and is worth a look.
    Doubtful,
    /// It has to be mended; the kind decides on the exit code.
    Bad(Kind),
    /// It could not be looked at.
    Unknown,
}

impl Health {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Doubtful => "look",
            Self::Bad(_) => "bad",
            Self::Unknown => "-",
        }
    }
}

impl Serialize for Health {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Unknown => "unknown",
            other => other.as_str(),
        })
    }
}

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Finding {
    pub(super) subject: &'static str,
    pub(super) health: Health,
    pub(super) said: String,
    pub(super) remedy: Option<String>,
}

impl Finding {
    pub(super) fn good(subject: &'static str, said: impl Into<String>) -> Self {
        Self { subject, health: Health::Good, said: said.into(), remedy: None }
    }

    pub(super) fn unknown(subject: &'static str, said: impl Into<String>) -> Self {
        Self { subject, health: Health::Unknown, said: said.into(), remedy: None }
    }

    pub(super) fn doubtful(
        subject: &'static str,
        said: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (said, remedy) = (said.into(), Some(remedy.into()));
        Self { subject, health: Health::Doubtful, said, remedy }
    }

    pub(super) fn bad(
        subject: &'static str,
        kind: Kind,
        said: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let (said, remedy) = (said.into(), Some(remedy.into()));
        Self { subject, health: Health::Bad(kind), said, remedy }
    }
}

/// A setting with which no client can be made.
pub(super) fn of_settings(argument: &str, problem: &str) -> Finding {
    let (subject, remedy) = match argument {
        "api_key" if is_missing(problem) => (
            "key",
            "set REVRAG_API_KEY, or write api_key into a profile of the settings file that `revrag init` \
             makes; the dashboard has it",
        ),
        "api_key" | "REVRAG_API_KEY" => {
            ("key", "copy the key from the dashboard anew, and set REVRAG_API_KEY to it alone")
        }
        "base_url" | "REVRAG_BASE_URL" => (
            "service",
            "unset REVRAG_BASE_URL for production, or set it to https://staging-api.revrag.ai",
        ),
        "ca_bundle" | "SSL_CERT_FILE" | "certificates" => {
            ("certificate", "name a readable file of PEM certificates, or unset it")
        }
        _ if argument.to_lowercase().contains("proxy") => {
            ("proxy", "write it as http://proxy.example:3128, or unset it")
        }
        _ => ("settings", "correct it, or leave it out"),
    };
    // `pass api_key=…` is advice for Python.
    let said = match argument {
        "api_key" if is_missing(problem) => "there is none".to_owned(),
        "api_key" => problem.to_owned(),
        _ => format!("{argument}: {}", crate::failure::in_flags(problem)),
    };
    Finding::bad(subject, Kind::Usage, said, remedy)
}

fn is_missing(problem: &str) -> bool {
    problem.starts_with("there is none")
}

/// A settings file that can't be used.
pub(super) fn of_file(text: String) -> Finding {
    Finding::bad(
        "settings",
        Kind::Usage,
        text,
        "correct the settings file; `revrag init` makes a new one",
    )
}

/// The signing secret of webhooks, which not everybody needs.
pub(super) fn of_webhook_secret(secret: Option<&str>) -> Finding {
    const SUBJECT: &str = "webhooks";
    match secret {
        None => {
            Finding::unknown(SUBJECT, "there is no signing secret; it is needed for webhooks only")
        }
        Some(secret) if secret.trim() != secret || secret.trim_matches(['"', '\'']) != secret => {
            Finding::doubtful(
                SUBJECT,
                "the signing secret has blanks or quotes around it",
                "set it without them, or no signature will fit",
            )
        }
        Some(_) => Finding::good(SUBJECT, "there is a signing secret"),
    }
}
