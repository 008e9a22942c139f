//! How calls go: scripted, by a number's last digits, or drawn.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::settings::Settings;
use super::time::Seconds;

/// How a call ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered, and that was that.
    Completed,
    /// Answered, and the post-call logic orders a follow-up.
    FollowUp,
    /// It rang, and nobody answered.
    NoAnswer,
    /// The line was busy.
    Busy,
    /// The telephony failed.
    Failed,
    /// A machine answered.
    Voicemail,
    /// Answered, and the callee asked to be called again.
    Callback,
    /// Answered, and the callee asked never to be called again.
    Dnc,
}

impl Outcome {
    /// Those after which a campaign may try again.
    pub const UNANSWERED: [Self; 4] = [Self::NoAnswer, Self::Busy, Self::Failed, Self::Voicemail];

    /// All of them, in the order of the last digits that order them.
    pub const ALL: [Self; 8] = [
        Self::Completed,
        Self::NoAnswer,
        Self::Busy,
        Self::Failed,
        Self::Voicemail,
        Self::Callback,
        Self::Dnc,
        Self::FollowUp,
    ];

    /// Its name where it is scripted.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::FollowUp => "follow_up",
            Self::NoAnswer => "no_answer",
            Self::Busy => "busy",
            Self::Failed => "failed",
            Self::Voicemail => "voicemail",
            Self::Callback => "callback",
            Self::Dnc => "dnc",
        }
    }

    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }

    /// Whether a person spoke with the agent.
    pub fn is_answered(self) -> bool {
        !Self::UNANSWERED.contains(&self)
    }

    /// As Get Call Status spells it: `completed` or `failed`.
    pub fn call_status(self) -> &'static str {
        if self.is_answered() { "completed" } else { "failed" }
    }

    /// Why the call ended, as Get Call Status spells it.
    pub fn hangup(self) -> &'static str {
        match self {
            Self::Completed | Self::FollowUp => "agent_hangup",
            Self::Callback | Self::Dnc => "user_hangup",
            Self::NoAnswer => "no_answer",
            Self::Busy => "busy",
            Self::Failed => "telephony_error",
            Self::Voicemail => "voicemail",
        }
    }

    /// What a number that ends in `5550100` to `5550107` stands for: completed, no answer, busy,
    /// failed, voicemail, callback, dnc, follow-up, for each of its calls but that callbacks and
    /// follow-ups, called again, are completed.
    pub fn of_digits(number: u64, attempt: u16) -> Option<Self> {
        let index = (number % 10_000_000).checked_sub(5_550_100)?;
        let outcome = *Self::ALL.get(usize::try_from(index).ok()?)?;
        let once = matches!(outcome, Self::Callback | Self::FollowUp);
        Some(if once && attempt > 1 { Self::Completed } else { outcome })
    }
}

/// A turn of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// `assistant` or `user`.
    pub role: String,
    /// The words.
    pub content: String,
}

/// How one call goes. What is not said goes as usual.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// How it ends.
    pub outcome: Outcome,
    /// How long it lasts.
    pub duration: Option<Seconds>,
    /// From its end to the retry, callback or follow-up.
    pub after: Option<Seconds>,
    /// What was said.
    pub transcript: Option<Vec<Turn>>,
    /// Its summary.
    pub summary: Option<String>,
    /// What the agent extracted, as the JSON of an object.
    pub variables: Option<String>,
    /// Why the number goes on the Do-Not-Call list.
    pub reason: Option<String>,
}

impl Line {
    /// A call that ends so, and else goes as usual.
    pub fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            duration: None,
            after: None,
            transcript: None,
            summary: None,
            variables: None,
            reason: None,
        }
    }

    /// Reads a script's entry: an outcome's name, or an object with `outcome` and what else is to be.
    /// The error says what is wrong with it.
    pub fn read(value: Value) -> Result<Self, String> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Written {
            outcome: Outcome,
            duration: Option<Seconds>,
            after: Option<Seconds>,
            transcript: Option<Vec<Turn>>,
            summary: Option<String>,
            variables: Option<Map<String, Value>>,
            reason: Option<String>,
        }
        if let Value::String(name) = &value {
            return Outcome::named(name).map(Self::of).ok_or_else(|| {
                let known = Outcome::ALL.map(Outcome::as_str).join(", ");
                format!("there is no outcome {name:?}; it is one of {known}")
            });
        }
        if !value.is_object() {
            return Err("it must be an outcome's name, or an object with outcome".to_owned());
        }
        let written: Written = serde_json::from_value(value).map_err(|error| error.to_string())?;
        Ok(Self {
            outcome: written.outcome,
            duration: written.duration,
            after: written.after,
            transcript: written.transcript,
            summary: written.summary,
            variables: written.variables.map(|map| Value::Object(map).to_string()),
            reason: written.reason,
        })
    }
}

/// The outcome that a seed gives to a record's attempt: whatever else happened, it is the same.
pub(super) fn drawn(settings: &Settings, seed: u64, record: u64, attempt: u16) -> Outcome {
    #[allow(clippy::cast_precision_loss, reason = "53 bits are a float's")]
    let mut draw = (hash([seed, record, attempt.into(), 1]) >> 11) as f64 / (1_u64 << 53) as f64;
    let failed = [(Outcome::Failed, settings.failure_rate)];
    let others = settings.outcomes.iter().map(|(outcome, share)| (*outcome, *share));
    for (outcome, share) in failed.into_iter().chain(others) {
        if draw < share {
            return outcome;
        }
        draw -= share;
    }
    Outcome::Completed
}

/// Mixes numbers as splitmix64 does.
pub(super) fn hash(numbers: [u64; 4]) -> u64 {
    numbers.into_iter().fold(0x9E37_79B9_7F4A_7C15, |state, number| {
        let mut mixed = (state ^ number).wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    })
}

/// What tells numbers apart that are the same to the telephone: the last ten digits.
pub fn number_key(text: &str) -> u64 {
    let digits: Vec<u64> =
        text.chars().rev().filter_map(|c| c.to_digit(10)).take(10).map(u64::from).collect();
    digits.iter().rev().fold(0, |number, digit| number * 10 + digit)
}
