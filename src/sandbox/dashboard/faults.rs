//! Faults on order, and a form to order one.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Form, State};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::asked::{self, Asked};
use super::layout::{self, Page, Place};
use super::parts;
use crate::fault::{Endpoint, Fault, Kind};
use crate::plan::Ordered;
use crate::routes::Shared;
use revrag::{Error, Result};

const KINDS: [(Kind, &str); 14] = [
    (Kind::Status, "Another status"),
    (Kind::Dropped, "Connection reset"),
    (Kind::Silent, "No answer at all"),
    (Kind::Late, "Reset, and applied later"),
    (Kind::Delay, "Delayed answer"),
    (Kind::Slow, "Slow body"),
    (Kind::Truncated, "Truncated body"),
    (Kind::Malformed, "Malformed body"),
    (Kind::Refused, "Connections refused"),
    (Kind::RateLimit, "Rate limit (429)"),
    (Kind::LargestBatch, "Largest batch (413)"),
    (Kind::Shifting, "Shifting pages"),
    (Kind::Duplicate, "Webhook sent twice"),
    (Kind::Reordered, "Webhook overtaken"),
];

const ENDPOINTS: [(Endpoint, &str, &str); 8] = [
    (Endpoint::Any, "any", "Every request"),
    (Endpoint::Push, "push", "Pushes"),
    (Endpoint::Records, "records", "Pages of records"),
    (Endpoint::Record, "record", "Single records"),
    (Endpoint::Status, "status", "Campaign status"),
    (Endpoint::Call, "call", "Calls"),
    (Endpoint::Recording, "recording", "Recordings"),
    (Endpoint::Webhook, "webhook", "Webhook deliveries"),
];

/// A number that may be said of a fault: its field, its label, which values it takes.
const NUMBERS: [(&str, &str, &str); 9] = [
    ("times", "How many requests", "1"),
    ("after", "After how many others", "0"),
    ("probability", "Or with what probability", "0.25"),
    ("seed", "Drawn from seed", "0"),
    ("status", "Status", "503"),
    ("seconds", "Seconds", "1"),
    ("applied", "Share applied", "0 to 1"),
    ("limit", "Limit", "10"),
    ("shift", "Records shifted by", "-1"),
];

pub(super) async fn page(State(shared): State<Arc<Shared>>, asked: Asked) -> Response {
    let held = shared.engine.lock();
    let ordered = held.world().plan().ordered();
    let body = html! {
        div.head { h1 { "Faults" } }
        p.lead { "What goes wrong on order, so that you can watch your code cope. A fault strikes the next request unless told otherwise." }
        (list(ordered, &asked))
        (form(&asked))
    };
    let page = Page {
        place: Place::Faults,
        title: "Faults".to_owned(),
        above: Vec::new(),
        body,
        spoken: format!("{} faults on order", ordered.len()),
    };
    page.response(&shared, &held, &asked)
}

fn list(ordered: &[Ordered], asked: &Asked) -> Markup {
    html! {
        section.panel aria-labelledby="ordered" {
            h2 id="ordered" { "On order" }
            @if ordered.is_empty() {
                (parts::nothing("Nothing goes wrong", "Order a fault below."))
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Faults on order" {
                    table {
                        thead { tr {
                            th scope="col" { "Fault" } th scope="col" { "For" }
                            th.wide scope="col" { "Details" } th.count scope="col" { "Struck" }
                            th scope="col" { span.sr { "Remove" } }
                        } }
                        tbody {
                            @for it in ordered {
                                tr id={ "fault-" (it.id) } {
                                    td { (kind_words(it.fault.kind)) }
                                    td { (endpoint_words(it.fault.endpoint)) }
                                    td.wide.quiet { (parts::text(asked, &details(&it.fault))) }
                                    td.count { (it.struck) span.quiet { " of " (it.seen) } }
                                    td.end {
                                        form method="post" action="/faults" data-quiet {
                                            (layout::way_back(asked))
                                            button.small-button name="clear" value=(it.id) {
                                                "Remove" span.sr { " " (kind_words(it.fault.kind)) }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                @if ordered.len() > 1 {
                    form.actions method="post" action="/faults" data-quiet {
                        (layout::way_back(asked))
                        button name="clear" value="all" { "Remove all" }
                    }
                }
            }
        }
    }
}

fn form(asked: &Asked) -> Markup {
    html! {
        section.panel aria-labelledby="order" {
            h2 id="order" { "Order a fault" }
            form.grid-form method="post" action="/faults" data-quiet {
                (layout::way_back(asked))
                label {
                    span { "What goes wrong" }
                    select name="kind" {
                        @for (kind, words) in KINDS { option value=(kind.as_str()) { (words) } }
                    }
                }
                label {
                    span { "For" }
                    select name="endpoint" {
                        @for (_, value, words) in ENDPOINTS { option value=(value) { (words) } }
                    }
                }
                @for (name, words, example) in NUMBERS {
                    label {
                        span { (words) }
                        input name=(name) inputmode="decimal" placeholder=(example) autocomplete="off";
                    }
                }
                label.grid-end {
                    span { "Headers to answer with, one a line" }
                    textarea name="headers" rows="2" placeholder="Retry-After: 5" spellcheck="false" {}
                }
                label.grid-end {
                    span { "Body to answer with: JSON, or any other text" }
                    textarea name="body" rows="3" placeholder="{\"detail\": \"Down for maintenance\"}" spellcheck="false" {}
                }
                div.grid-end { button.primary name="order" value="yes" { "Order the fault" } }
            }
        }
    }
}

fn kind_words(kind: Kind) -> &'static str {
    KINDS.iter().find(|(it, _)| *it == kind).map_or(kind.as_str(), |(_, words)| words)
}

fn endpoint_words(endpoint: Endpoint) -> &'static str {
    ENDPOINTS.iter().find(|(it, ..)| *it == endpoint).map_or("", |(_, _, words)| words)
}

/// What was said of a fault, beyond its kind and endpoint.
fn details(fault: &Fault) -> String {
    let told = serde_json::to_value(fault).unwrap_or_default();
    let told = told.as_object().cloned().unwrap_or_default();
    let said = told.iter().filter(|(name, value)| {
        !["kind", "endpoint"].contains(&name.as_str()) && value.as_u64() != Some(0)
    });
    let said: Vec<_> = said.map(|(name, value)| format!("{name} {value}")).collect();
    said.join(", ")
}

pub(super) async fn change(
    State(shared): State<Arc<Shared>>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let told = |name: &str| form.get(name).map_or("", String::as_str).trim();
    let done = match told("clear") {
        "" => order(&shared, &form),
        "all" => shared.clear_faults(None).map(|()| "Nothing goes wrong any more."),
        id => {
            let id = id.parse().map_err(|_| Error::invalid("clear", "it is no fault's number"));
            id.and_then(|id| shared.clear_faults(Some(id))).map(|()| "The fault is off.")
        }
    };
    shared.engine.look();
    asked::back(told("back"), done)
}

fn order(shared: &Shared, form: &HashMap<String, String>) -> Result<&'static str> {
    let mut fault = Map::new();
    for (name, value) in form {
        let value = value.trim();
        if value.is_empty() || ["back", "order"].contains(&name.as_str()) {
            continue;
        }
        let is_number = NUMBERS.iter().any(|(it, ..)| it == name);
        let value = if is_number {
            serde_json::from_str::<serde_json::Number>(value)
                .map_err(|_| Error::invalid(name.as_str(), "it must be a number"))?
                .into()
        } else {
            match name.as_str() {
                "headers" => headers(value)?,
                // As it is sent: JSON with its content type, all else as text.
                "body" => serde_json::from_str(value).unwrap_or_else(|_| Value::from(value)),
                _ => Value::from(value),
            }
        };
        fault.insert(name.clone(), value);
    }
    let fault: Fault = serde_path_to_error::deserialize(Value::Object(fault))
        .map_err(|error| Error::invalid(error.path().to_string(), error.inner().to_string()))?;
    let id = shared.order_fault(fault)?;
    Ok(if id == 0 { "Connections are refused for a while." } else { "The fault is on order." })
}

/// A header a line, as in `Retry-After: 5`.
fn headers(text: &str) -> Result<Value> {
    let pairs = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| Error::invalid("headers", "write one a line, as in Retry-After: 5"))?;
        Ok((name.trim().to_owned(), Value::from(value.trim())))
    });
    pairs.collect::<Result<Map<_, _>>>().map(Value::Object)
}
