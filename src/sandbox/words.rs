//! What is said in a sandbox's calls.

use serde_json::{Map, Value};

use super::state::Status;

/// The callee's name, where the variables tell it.
pub(super) fn first_name(variables: Option<&Map<String, Value>>) -> &str {
    let name = variables.and_then(|variables| variables.get("first_name"));
    name.and_then(Value::as_str).filter(|name| !name.is_empty()).unwrap_or("there")
}

/// The turns of an answered call.
pub(super) fn conversation(name: &str) -> [(&'static str, String); 3] {
    [
        ("assistant", format!("Hello {name}, I am calling about your appointment on Friday.")),
        ("user", "Yes, Friday works for me.".to_owned()),
        ("assistant", "Wonderful, see you then. Goodbye!".to_owned()),
    ]
}

/// The summary of an answered call.
pub(super) fn summary(name: &str) -> String {
    let who = if name == "there" { "The callee" } else { name };
    format!("{who} confirmed the appointment on Friday.")
}

/// Why a call ended.
pub(super) fn hangup(outcome: Status) -> &'static str {
    if outcome == Status::Completed { "agent_hangup" } else { "no_answer" }
}
