//! What is said in a sandbox's calls, where no script says it.

use serde_json::{Map, Value, json};

use super::outcome::{Outcome, Turn};

/// The callee's name, where the variables (the JSON of an object) tell it.
pub(super) fn first_name(variables: &str) -> String {
    let variables: Map<String, Value> = serde_json::from_str(variables).unwrap_or_default();
    let name = variables.get("first_name").and_then(Value::as_str);
    name.filter(|name| !name.is_empty()).unwrap_or("there").to_owned()
}

/// The turns of an answered call.
pub(super) fn conversation(outcome: Outcome, name: &str) -> Vec<Turn> {
    let (answer, farewell) = match outcome {
        Outcome::Callback => {
            ("I am in a meeting. Can you call me back?", "Of course, I will call again later.")
        }
        Outcome::Dnc => (
            "Please take me off your list and don't call again.",
            "I am sorry for the trouble. You will not be called again.",
        ),
        Outcome::FollowUp => (
            "I need to check with my family first.",
            "Take your time, we will be in touch. Goodbye!",
        ),
        _ => ("Yes, Friday works for me.", "Wonderful, see you then. Goodbye!"),
    };
    let opening = format!("Hello {name}, I am calling about your appointment on Friday.");
    [("assistant", opening.as_str()), ("user", answer), ("assistant", farewell)]
        .map(|(role, content)| Turn { role: role.to_owned(), content: content.to_owned() })
        .into()
}

/// What the agent answers to the n-th thing that a person at the handset says, from 0.
pub(super) fn reply(number: usize) -> &'static str {
    const REPLIES: [&str; 4] = [
        "I see. Would Friday suit you?",
        "I have noted that. Is there anything else?",
        "Of course. Anything more I can do for you?",
        "All right. I am still here.",
    ];
    REPLIES[number.min(REPLIES.len() - 1)]
}

/// Whether a person at the handset agreed.
pub(super) fn agreed(said: &[Turn]) -> bool {
    let mut heard = said.iter().filter(|turn| turn.role == "user");
    heard.any(|turn| {
        let mut words = turn.content.split(|c: char| !c.is_alphanumeric());
        words.any(|word| word.eq_ignore_ascii_case("yes"))
    })
}

/// The summary of an answered call.
pub(super) fn summary(outcome: Outcome, name: &str) -> String {
    let who = if name == "there" { "The callee" } else { name };
    let what = match outcome {
        Outcome::Callback => "asked to be called back.",
        Outcome::Dnc => "asked not to be called again.",
        Outcome::FollowUp => "wants to decide later; a follow-up was arranged.",
        _ => "confirmed the appointment on Friday.",
    };
    format!("{who} {what}")
}

/// What the agent takes from an answered call.
pub(super) fn extracted(outcome: Outcome, agreed: bool) -> Map<String, Value> {
    let confirmed = agreed && outcome == Outcome::Completed;
    let mut extracted = Map::new();
    extracted.insert("appointment_confirmed".to_owned(), json!(confirmed));
    if outcome == Outcome::Callback {
        extracted.insert("callback_requested".to_owned(), json!(true));
    }
    extracted
}
