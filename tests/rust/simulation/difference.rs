//! A scenario in as few words as it takes: what differs from the plain one.

use super::scenario::Scenario;

/// A line for each field of a scenario that is not as in the plain one.
pub(super) fn told(scenario: &Scenario) -> String {
    let (mut all, mut plain) = (Vec::new(), Vec::new());
    fields(&format!("{scenario:?}"), "", &mut all);
    fields(&format!("{:?}", Scenario::plain(scenario.seed)), "", &mut plain);
    let lines = all.into_iter().filter(|field| !plain.contains(field));
    let lines: Vec<String> = lines.map(|(name, value)| format!("  {name}: {value}\n")).collect();
    lines.concat()
}

/// The fields of a structure as `Debug` shows it, and those within, by their paths.
fn fields(shown: &str, path: &str, out: &mut Vec<(String, String)>) {
    let inner = shown.split_once(" { ").and_then(|(_, rest)| rest.strip_suffix(" }"));
    let Some(inner) = inner else {
        return out.push((path.to_owned(), shown.to_owned()));
    };
    for field in split(inner) {
        let (name, value) = field.split_once(": ").unwrap_or(("", field));
        let name = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        fields(value, &name, out);
    }
}

/// Parts between commas that stand in no brackets.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    text.split(|c| {
        depth += match c {
            '{' | '(' | '[' => 1,
            '}' | ')' | ']' => -1,
            _ => 0,
        };
        c == ',' && depth == 0
    })
    .map(str::trim)
    .collect()
}
