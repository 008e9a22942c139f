//! What the caller may choose.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::layout::{SESSION, USER};
use super::rails::MaxInvalid;
use crate::key::Tokens;
use crate::phone::Rules;
use crate::{Error, Result};

/// Which columns are variables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub enum Variables {
    /// A column `variables` that holds objects, else all columns that have no other role.
    #[default]
    Found,
    /// Variables and the columns they come from.
    Named(Vec<(String, String)>),
}

/// What happens to rows whose number is not valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum OnInvalid {
    /// They stay home.
    #[default]
    Reject,
    /// They are sent as they came.
    Send,
    /// The upload stops, before anything is sent where the source can be read twice.
    Raise,
}

/// What happens to the second and later rows of one number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum OnDuplicate {
    /// They are sent.
    #[default]
    Keep,
    /// They stay home.
    Reject,
}

/// What happens to rows of a push whose outcome is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnUnknown {
    /// They are looked for; those not found are sent again.
    #[default]
    Settle,
    /// They are reported as unknown.
    Leave,
    /// The upload stops.
    Stop,
}

/// What decides on the content of what is sent. A journal holds it, and accepts no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs, reason = "as the options of the same names")]
pub struct Content {
    pub phone_number: String,
    pub variables: Variables,
    pub app_user_id: Option<String>,
    pub app_session_id: Option<String>,
    pub region: Option<String>,
    pub on_invalid: OnInvalid,
    pub on_duplicate: OnDuplicate,
    pub required: Vec<String>,
    /// The columns by which a row is known; none where it is known by its place.
    #[serde(default)]
    pub key: Vec<String>,
    #[serde(default)]
    pub name: Option<String>,
}

/// What tells which rows of a key were uploaded before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Existing {
    /// The campaign's records.
    #[default]
    Campaign,
    /// The journal alone.
    Journal,
    /// Nothing: the caller has seen to it that none was, and that nobody else uploads rows of these keys
    /// meanwhile.
    Caller,
}

/// How a row's session id is made of its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Keying {
    /// It is a token of the key.
    Tokens(Tokens),
    /// It is the key: an id of the caller's own.
    Own,
}

/// What keeps a mistake small.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rails {
    /// The most rows that go this time.
    pub limit: Option<u64>,
    /// How many rows may be invalid; an upload with more is stopped.
    pub max_invalid: Option<MaxInvalid>,
}

/// The options of an upload.
#[derive(Debug, Clone)]
pub struct Options {
    /// What is sent.
    pub content: Content,
    /// What keeps a mistake small.
    pub rails: Rails,
    /// The most rows in one request.
    pub max_records: usize,
    /// The most bytes in one request; a larger row goes alone.
    pub max_bytes: usize,
    /// Requests at a time.
    pub concurrency: usize,
    /// The most rows a second, over all requests.
    pub max_records_per_second: Option<f64>,
    /// The file in which the upload can be resumed.
    pub journal: Option<PathBuf>,
    /// What tells which rows of a key were uploaded before.
    pub existing: Existing,
    /// What happens to rows of unknown outcome.
    pub on_unknown: OnUnknown,
    /// How long the service is given to finish what it has, before unknown rows are looked for.
    pub settle_after: Duration,
    /// How long the service may answer no push before the upload stops.
    pub give_up_after: Duration,
    /// Read and check all, send nothing.
    pub dry_run: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            content: Content {
                phone_number: "phone_number".to_owned(),
                variables: Variables::Found,
                app_user_id: None,
                app_session_id: None,
                region: Some("IN".to_owned()),
                on_invalid: OnInvalid::Reject,
                on_duplicate: OnDuplicate::Keep,
                required: Vec::new(),
                key: Vec::new(),
                name: None,
            },
            rails: Rails::default(),
            max_records: 500,
            max_bytes: 1_000_000,
            concurrency: 4,
            max_records_per_second: None,
            journal: None,
            existing: Existing::Campaign,
            on_unknown: OnUnknown::Settle,
            settle_after: Duration::from_secs(5),
            give_up_after: Duration::from_mins(10),
            dry_run: false,
        }
    }
}

/// The longest that may be waited for anything.
const LONGEST: Duration = Duration::from_hours(24 * 30);

impl Options {
    /// Refuses what can't be.
    pub fn check(&self) -> Result<()> {
        for (name, value, most) in [
            ("max_records", self.max_records, 1_000_000),
            ("max_bytes", self.max_bytes, 1 << 30),
            ("concurrency", self.concurrency, 1000),
        ] {
            if value == 0 || value > most {
                return Err(Error::invalid(name, format!("it must be from 1 to {most}")));
            }
        }
        for (name, value) in
            [("settle_after", self.settle_after), ("give_up_after", self.give_up_after)]
        {
            if value > LONGEST {
                return Err(Error::invalid(name, "it must be at most 30 days, in seconds"));
            }
        }
        if let Some(MaxInvalid::Share(share)) = self.rails.max_invalid
            && !(0.0..=1.0).contains(&share)
        {
            let problem =
                "a float is a share of the rows, from 0.0 to 1.0; for a count pass an int";
            return Err(Error::invalid("max_invalid", problem));
        }
        if let Variables::Named(pairs) = &self.content.variables {
            for (at, (variable, _)) in pairs.iter().enumerate() {
                if pairs.iter().take(at).any(|(known, _)| known == variable) {
                    let problem = format!("{variable:?} is there twice");
                    return Err(Error::invalid("variables", problem));
                }
            }
        }
        if self.max_records_per_second.is_some_and(|rate| !(rate.is_finite() && rate > 0.0)) {
            return Err(Error::invalid("max_records_per_second", "it must be more than 0"));
        }
        if self.existing == Existing::Journal && self.content.key.is_empty() {
            return Err(Error::invalid("existing", "it is for uploads with a key; pass key=…"));
        }
        if self.existing == Existing::Journal && self.journal.is_none() {
            let problem =
                "without a journal nothing would tell which rows were sent; pass journal=…";
            return Err(Error::invalid("existing", problem));
        }
        self.content.keying()?;
        self.content.rules().map(drop)
    }

    /// How many rows may leave in a second.
    pub(super) fn rows_a_second(&self) -> usize {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be positive, and cut to the range"
        )]
        self.max_records_per_second.map_or(usize::MAX, |rate| rate.ceil().max(1.0) as usize)
    }
}

impl Content {
    /// The rules for phone numbers, unless all are sent as they come.
    pub(super) fn rules(&self) -> Result<Option<Rules>> {
        self.region.as_deref().map(Rules::of).transpose()
    }

    /// How rows are known by their keys, if they are.
    pub(super) fn keying(&self) -> Result<Option<Keying>> {
        if self.key.is_empty() {
            return match self.name {
                Some(_) => Err(Error::invalid("name", "it is for uploads with a key; pass key=…")),
                None => Ok(None),
            };
        }
        for (at, column) in self.key.iter().enumerate() {
            if column.is_empty() {
                return Err(Error::invalid("key", "a column's name can't be empty"));
            }
            if self.key.iter().take(at).any(|known| known == column) {
                return Err(Error::invalid("key", format!("{column:?} is there twice")));
            }
        }
        if self.is_own_key() {
            return match self.name {
                Some(_) => {
                    let problem = format!(
                        "the session ids in {:?} go out as they are, and can't hold a name; leave it \
                         out, or choose another key",
                        self.key[0]
                    );
                    Err(Error::invalid("name", problem))
                }
                None => Ok(Some(Keying::Own)),
            };
        }
        if let Some(column) = &self.app_session_id {
            return Err(another_session(column, &self.key));
        }
        Ok(Some(Keying::Tokens(Tokens::of(self.name.as_deref())?)))
    }

    /// What tokens of keys begin with; none where rows are sent under ids of the caller's own.
    pub(super) fn prefix(&self) -> Option<String> {
        match self.keying() {
            Ok(Some(Keying::Tokens(tokens))) => Some(tokens.prefix().to_owned()),
            _ => None,
        }
    }

    /// Whether the key is the column of the caller's own session ids.
    fn is_own_key(&self) -> bool {
        let session = self.app_session_id.as_deref().unwrap_or(SESSION);
        matches!(&self.key[..], [only] if only == session)
    }

    /// Refuses a source that has a column of session ids beside a key.
    pub(super) fn check_sessions(&self, has_column: bool) -> Result<()> {
        if has_column && !self.key.is_empty() && !self.is_own_key() {
            return Err(another_session(SESSION, &self.key));
        }
        Ok(())
    }

    /// The columns that have a role or are named, that of the numbers first.
    pub fn columns(&self) -> Vec<String> {
        let id = |named: &Option<String>, own: &str| named.as_deref().unwrap_or(own).to_owned();
        let mut columns = vec![
            self.phone_number.clone(),
            id(&self.app_user_id, USER),
            id(&self.app_session_id, SESSION),
        ];
        columns.extend(self.key.iter().cloned());
        match &self.variables {
            Variables::Named(pairs) => {
                columns.extend(pairs.iter().map(|(_, column)| column.clone()));
            }
            Variables::Found => columns.extend(self.required.iter().cloned()),
        }
        columns
    }

    /// The first option in which two differ. Rows that are known by a key are that whatever is sent
    /// of them.
    pub(super) fn difference(&self, other: &Self) -> Option<&'static str> {
        if self.key != other.key {
            return Some("key");
        }
        if !self.key.is_empty() {
            return (self.name != other.name).then_some("name");
        }
        [
            ("phone_number", self.phone_number == other.phone_number),
            ("variables", self.variables == other.variables),
            ("app_user_id", self.app_user_id == other.app_user_id),
            ("app_session_id", self.app_session_id == other.app_session_id),
            ("region", self.region == other.region),
            ("on_invalid", self.on_invalid == other.on_invalid),
            ("on_duplicate", self.on_duplicate == other.on_duplicate),
            ("required", self.required == other.required),
        ]
        .into_iter()
        .find_map(|(name, same)| (!same).then_some(name))
    }
}

fn another_session(column: &str, key: &[String]) -> Error {
    let problem = format!(
        "with key={key:?} the session id is made of the key, and the column {column:?} has another; \
         drop or rename that column, or make it the key: its ids go out as they are then"
    );
    Error::invalid(SESSION, problem)
}
