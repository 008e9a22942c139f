//! Why a command failed, what it says of it, and its exit code.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use serde_json::json;

use super::output::Out;
use revrag::Error;
use revrag::bulk::WriteError;

/// How a command ended that did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// It is done.
    Done,
    /// It is done, but for some rows that were rejected, invalid or unknown, or that the service failed on.
    Partly,
}

impl End {
    /// Its exit code.
    pub(super) const fn code(self) -> i32 {
        match self {
            Self::Done => 0,
            Self::Partly => 1,
        }
    }
}

/// What kind of failure it was. Each has its exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Done in part: what is left is not known, or was refused.
    Partly,
    /// A flag, a setting or a file can't be used.
    Usage,
    /// The service refused, or said what the API does not document.
    Refused,
    /// There was no answer.
    Connection,
    /// Somebody interrupted it.
    Interrupted,
}

impl Kind {
    /// The exit code.
    pub(super) const fn code(self) -> i32 {
        match self {
            Self::Partly => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Connection => 4,
            Self::Interrupted => 130,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Partly => "partly",
            Self::Usage => "usage",
            Self::Refused => "refused",
            Self::Connection => "connection",
            Self::Interrupted => "interrupted",
        }
    }

    /// That of an error.
    pub(super) fn of(error: &Error) -> Self {
        match error {
            Error::InvalidArgument { .. } | Error::Journal(_) => Self::Usage,
            Error::Connection { .. } | Error::Timeout { .. } => Self::Connection,
            Error::Status(_) | Error::InvalidResponse { .. } | Error::Webhook(_) => Self::Refused,
            Error::PushOutcomeUnknown { .. }
            | Error::PushCutOff { .. }
            | Error::JournalLost(_)
            | Error::WaitTimeout { .. }
            | Error::WatchTimeout { .. } => Self::Partly,
        }
    }
}

/// Why a command failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// Something the caller asked for.
    Asked(Error),
    /// Something else, in words of its own.
    Told(Kind, String),
    /// A file or a stream that the machine refused; a pipe that nobody reads any more is no failure.
    Io(io::Error),
    /// Somebody interrupted it, and there is nothing to say of that.
    Interrupted,
}

impl Failure {
    /// A flag that can't be used as it is.
    pub(super) fn flag(flag: &str, problem: impl Into<String>) -> Self {
        Self::Asked(Error::invalid(flag, problem))
    }

    /// A file that can't be used.
    pub(super) fn file(path: &Path, error: &io::Error) -> Self {
        Self::Told(Kind::Usage, format!("{}: {error}", path.display()))
    }

    /// A table that was not written.
    pub(super) fn written(flag: &str, path: &Path, error: WriteError) -> Self {
        match error {
            WriteError::Refused(Error::InvalidArgument { argument, problem })
                if argument == "path" =>
            {
                Self::flag(flag, problem)
            }
            WriteError::Refused(error) => Self::Asked(error),
            WriteError::Io(error) => Self::file(path, &error),
            WriteError::Rows(error) => Self::Told(
                Kind::Usage,
                format!("{}: {}", path.display(), in_flags(&error.to_string())),
            ),
        }
    }

    /// Tells people of it, or programs, and gives the exit code.
    pub(super) fn tell(&self, out: &mut Out<'_>) -> i32 {
        let (kind, text) = match self {
            Self::Io(error) if error.kind() == io::ErrorKind::BrokenPipe => return 0,
            Self::Interrupted => (Kind::Interrupted, String::new()),
            Self::Told(kind, text) => (*kind, text.clone()),
            Self::Io(error) => (Kind::Usage, error.to_string()),
            Self::Asked(error) => (Kind::of(error), words_of(error)),
        };
        if out.is_json() {
            let mut told = json!({"kind": kind.name(), "exit_code": kind.code(), "message": text});
            if let Self::Asked(Error::Status(refusal)) = self {
                told["status_code"] = refusal.status.into();
                told["request_id"] = refusal.request_id.clone().into();
            }
            out.say(json!({"error": told}));
        } else if !text.is_empty() {
            let name = out.bad("revrag:");
            out.say(format_args!("{name} {text}"));
        }
        kind.code()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Asked(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// What an error says, in the words of the command line.
fn words_of(error: &Error) -> String {
    match error {
        Error::InvalidArgument { argument, problem } => {
            format!("{}: {}", place(argument), in_flags(problem))
        }
        other => in_flags(&other.to_string()),
    }
}

/// What an argument is called on the command line.
fn place(argument: &str) -> String {
    match argument {
        "api_key" => "the API key".to_owned(),
        // The file itself, which the problem names.
        "source" => "FILE".to_owned(),
        "path" => "--output".to_owned(),
        "upload" => "push".to_owned(),
        name if name.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '-') => {
            format!("--{}", name.replace('_', "-"))
        }
        other => other.to_owned(),
    }
}

/// Options that the library's texts name with what they are set to.
const OPTIONS: [&str; 24] = [
    "phone_number",
    "variables",
    "app_user_id",
    "app_session_id",
    "key",
    "name",
    "region",
    "on_invalid",
    "on_duplicate",
    "required",
    "exclude",
    "limit",
    "max_invalid",
    "max_records",
    "max_bytes",
    "existing",
    "journal",
    "on_unknown",
    "settle_after",
    "give_up_after",
    "max_field_bytes",
    "max_retries",
    "encoding",
    "sheet",
];

/// A text of the library, with its arguments as flags: `pass journal=…` is `pass --journal …`.
pub(super) fn in_flags(text: &str) -> String {
    let text = text
        .replace("pass api_key=… or set the environment variable REVRAG_API_KEY", NO_KEY)
        .replace("check api_key or REVRAG_API_KEY, and that it belongs to this base_url", CHECK_KEY)
        .replace("dry_run=True", "--dry-run")
        .replace("region=None", "--region none");
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find(is_word) {
        let (before, from) = rest.split_at(at);
        let end = from.find(|c| !is_word(c)).unwrap_or(from.len());
        let (word, after) = from.split_at(end);
        let is_quoted = before.ends_with(['"', '\'']);
        out.push_str(before);
        rest = after;
        let is_option = OPTIONS.contains(&word) && !is_quoted;
        match after.strip_prefix('=') {
            Some(value) if is_option => {
                let _ = write!(out, "--{} ", word.replace('_', "-"));
                rest = value;
            }
            _ if is_option && word.contains('_')
                || matches!(word, "connect_timeout" | "base_url") =>
            {
                let _ = write!(out, "--{}", word.replace('_', "-"));
            }
            _ => out.push_str(word),
        }
    }
    out.push_str(rest);
    out
}

const NO_KEY: &str = "set the environment variable REVRAG_API_KEY, or write it into a settings file \
                      that `revrag init` makes";
const CHECK_KEY: &str = "check REVRAG_API_KEY or the profile's api_key, and that it belongs to this \
                         service: see --base-url";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_become_flags() {
        for (text, flags) in [
            (
                "it is for uploads with a key; pass key=…",
                "it is for uploads with a key; pass --key …",
            ),
            ("dry_run=True without max_invalid tells", "--dry-run without --max-invalid tells"),
            ("(give_up_after), last", "(--give-up-after), last"),
            ("with existing=\"journal\" the journal", "with --existing \"journal\" the journal"),
            ("column \"phone_number\" is missing", "column \"phone_number\" is missing"),
            ("the journal is in use", "the journal is in use"),
            ("phone_number=\"mobile\"", "--phone-number \"mobile\""),
        ] {
            assert_eq!(in_flags(text), flags);
        }
    }

    #[test]
    fn each_kind_has_its_code() {
        let refused = Error::Status(Box::new(revrag::error::StatusError::of(401, Vec::new())));
        let cut = Error::Connection { sent: true, cause: "reset".to_owned() };
        assert_eq!(Kind::of(&Error::invalid("x", "y")).code(), 2);
        assert_eq!(Kind::of(&refused).code(), 3);
        assert_eq!(Kind::of(&cut).code(), 4);
        assert_eq!(Kind::Interrupted.code(), 130);
    }
}
