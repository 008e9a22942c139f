//! What each order takes and answers, as JSON schemas.

use serde_json::{Map, Value, json};

use crate::outcome::Outcome;

/// What an order takes.
pub(super) struct Body {
    pub(super) kind: &'static str,
    pub(super) schema: Value,
    /// Whether it can't be left out.
    pub(super) required: bool,
}

/// What an order is answered with where it is done.
pub(super) struct Answer {
    pub(super) status: &'static str,
    /// Of its JSON; none where it is none.
    pub(super) schema: Option<Value>,
}

/// A schema of `all`.
fn of(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

fn list(name: &str) -> Value {
    json!({"type": "array", "items": of(name)})
}

/// An object of these fields and no other; a name that ends in `?` may be left out.
fn object(fields: &[(&str, Value)]) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, schema) in fields {
        let bare = name.trim_end_matches('?');
        if bare == *name {
            required.push(bare);
        }
        properties.insert(bare.to_owned(), schema.clone());
    }
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn or_null(schema: &Value) -> Value {
    json!({"anyOf": [schema, {"type": "null"}]})
}

fn text() -> Value {
    json!({"type": "string"})
}

fn flag() -> Value {
    json!({"type": "boolean"})
}

fn count() -> Value {
    json!({"type": "integer", "minimum": 0, "maximum": u32::MAX})
}

fn seconds() -> Value {
    json!({"type": "number", "minimum": 0, "maximum": 3_153_600_000_u64})
}

fn share() -> Value {
    json!({"type": "number", "minimum": 0, "maximum": 1})
}

fn moment() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn uuid() -> Value {
    json!({"type": "string", "format": "uuid"})
}

fn one_of(names: &[&str]) -> Value {
    json!({"type": "string", "enum": names})
}

/// What an order takes, if it takes anything.
pub(super) fn body(method: &str, path: &str) -> Option<Body> {
    let (schema, required) = match (method, path) {
        ("POST", "/time/advance") => {
            let far = json!({"type": "number", "minimum": 0});
            let parts = ["days?", "hours?", "minutes?", "seconds?"].map(|it| (it, far.clone()));
            (object(&parts), false)
        }
        ("POST", "/time/advance_to") => (object(&[("to", moment())]), true),
        ("POST", "/time/run_until_delivered") => (object(&[("timeout?", seconds())]), false),
        ("POST", "/restore") => {
            let kind = "application/octet-stream";
            return Some(Body { kind, schema: json!({}), required: true });
        }
        ("POST", "/workspaces") => {
            let key = json!({"type": "string", "minLength": 1});
            (object(&[("api_key", key), ("name?", text())]), true)
        }
        ("PUT", "/workspaces/{workspace_id}/webhook") => {
            let url = json!({"type": "string", "format": "uri"});
            (or_null(&object(&[("url", url), ("secret", text())])), true)
        }
        ("POST", "/workspaces/{workspace_id}/webhook/rotate") => {
            (object(&[("secret", text()), ("overlap?", seconds())]), true)
        }
        ("POST", "/campaigns") => {
            let id = or_null(&uuid());
            let fields = [
                ("campaign_id?", id.clone()),
                ("workspace_id?", id),
                ("status?", text()),
                ("settings?", of("Settings")),
            ];
            (object(&fields), false)
        }
        ("PATCH", "/campaigns/{campaign_id}") => {
            (object(&[("status?", or_null(&text())), ("settings?", of("Settings"))]), false)
        }
        ("PUT", "/scripts/{number}") => {
            let line = json!({"anyOf": [of("Outcome"), of("Line")]});
            (json!({"type": "array", "items": line}), true)
        }
        ("PUT", "/dnc/{number}") => {
            (object(&[("workspace_id?", or_null(&uuid())), ("reason?", text())]), false)
        }
        ("POST", "/handset/{number}") => {
            let act = one_of(&["answer", "decline", "say", "hang_up", "callback", "dnc"]);
            (object(&[("act", act), ("words?", text())]), true)
        }
        ("POST", "/faults") => (of("Fault"), true),
        _ => return None,
    };
    Some(Body { kind: "application/json", schema, required })
}

/// What an order is answered with.
pub(super) fn answer(method: &str, path: &str) -> Answer {
    let (status, schema) = match (method, path) {
        ("GET", "/") => ("200", list("Order")),
        ("GET", "/openapi.json") => ("200", json!({"type": "object"})),
        ("GET", "/readyz") => {
            let ready = json!({"const": true});
            let fields = [("ready", ready), ("version", text()), ("requests", count())];
            ("200", object(&fields))
        }
        ("POST", "/snapshot") => return Answer { status: "200", schema: None },
        ("GET", "/workspaces") => ("200", list("Workspace")),
        ("POST", "/workspaces") => ("201", object(&[("workspace_id", uuid())])),
        ("GET", "/campaigns") => ("200", list("Campaign")),
        ("POST", "/campaigns") => ("201", object(&[("campaign_id", uuid())])),
        ("GET" | "PATCH", "/campaigns/{campaign_id}") => ("200", of("Campaign")),
        ("GET", "/scripts") => ("200", list("Script")),
        ("GET", "/dnc") => ("200", list("Barred")),
        ("GET", "/handset") => ("200", list("Phone")),
        ("GET", "/faults") => ("200", list("OrderedFault")),
        ("POST", "/faults") => ("201", object(&[("id", count())])),
        ("GET", "/deliveries" | "/requests") => {
            let entry = json!({"type": "object"});
            let items = json!({"type": "array", "items": entry});
            ("200", object(&[("items", items), ("total", count())]))
        }
        ("POST", "/deliveries/{event_id}/resend" | "/calls/{call_id}/resend") => {
            ("202", object(&[("event_id", text())]))
        }
        ("PUT" | "DELETE", _)
        | ("POST", "/workspaces/{workspace_id}/webhook/rotate" | "/handset/{number}") => {
            return Answer { status: "204", schema: None };
        }
        // All of them answer with the time.
        _ => ("200", of("Time")),
    };
    Answer { status, schema: Some(schema) }
}

fn settings() -> Value {
    let date = or_null(&json!({"type": "string", "format": "date"}));
    let two = json!({
        "type": "array",
        "prefixItems": [text(), text()],
        "minItems": 2,
        "maxItems": 2,
        "examples": [["09:00", "21:00"]],
    });
    let days = one_of(&["mon", "tue", "wed", "thu", "fri", "sat", "sun"]);
    let unanswered = Outcome::UNANSWERED.map(Outcome::as_str);
    let small = json!({"type": "integer", "minimum": 0, "maximum": 255});
    let year = json!({"type": "number", "minimum": 0, "maximum": 31_536_000});
    let outcomes = Outcome::ALL.map(Outcome::as_str);
    object(&[
        ("name?", text()),
        ("agent_id?", uuid()),
        ("from_number?", text()),
        ("variables?", json!({"type": "array", "items": text()})),
        ("timezone?", text()),
        ("window?", or_null(&two)),
        ("active_days?", json!({"type": "array", "items": days, "minItems": 1})),
        ("first_attempt_on?", date.clone()),
        ("dial_first_attempt_immediately?", flag()),
        ("end_date?", date),
        ("max_concurrency?", json!({"type": "integer", "minimum": 1})),
        ("max_attempts?", json!({"type": "integer", "minimum": 1, "maximum": 65_535})),
        ("retry_on?", json!({"type": "array", "items": one_of(&unanswered)})),
        ("retry_delay?", seconds()),
        ("callback_delay?", seconds()),
        ("max_callbacks?", small.clone()),
        ("follow_up_delay?", seconds()),
        ("max_follow_ups?", small),
        ("dispatch_after?", year.clone()),
        ("call_duration?", year),
        ("failure_rate?", share()),
        (
            "outcomes?",
            json!({
                "type": "object",
                "propertyNames": one_of(&outcomes),
                "additionalProperties": share(),
            }),
        ),
        ("last_digits?", flag()),
    ])
}

fn fault(more: &[(&str, Value)]) -> Value {
    let endpoints = ["any", "push", "records", "record", "status", "call", "recording", "webhook"];
    let kinds = [
        "status",
        "malformed",
        "dropped",
        "silent",
        "late",
        "delay",
        "slow",
        "truncated",
        "refused",
        "rate_limit",
        "largest_batch",
        "shifting",
        "duplicate",
        "reordered",
    ];
    let number = json!({"type": "integer", "minimum": 0});
    let status = json!({"type": "integer", "minimum": 200, "maximum": 599});
    let hour = json!({"type": "number", "minimum": 0, "maximum": 3600});
    let mut fields = vec![
        ("endpoint?", one_of(&endpoints)),
        ("kind", one_of(&kinds)),
        ("times?", or_null(&json!({"type": "integer", "minimum": 1}))),
        ("after?", number.clone()),
        ("probability?", or_null(&share())),
        ("seed?", number.clone()),
        ("status?", or_null(&status)),
        ("body?", json!({})),
        ("headers?", json!({"type": "object", "additionalProperties": text()})),
        ("seconds?", or_null(&hour)),
        ("applied?", or_null(&share())),
        ("limit?", or_null(&number)),
        ("shift?", or_null(&json!({"type": "integer"}))),
    ];
    fields.extend(more.iter().cloned());
    object(&fields)
}

/// The schemas that have names.
pub(super) fn all() -> Value {
    let turn = object(&[("role", text()), ("content", text())]);
    let line = |number: Value| {
        object(&[
            ("outcome", of("Outcome")),
            ("duration?", or_null(&seconds())),
            ("after?", or_null(&seconds())),
            ("transcript?", or_null(&json!({"type": "array", "items": of("Turn")}))),
            ("summary?", or_null(&text())),
            ("variables?", or_null(&number)),
            ("reason?", or_null(&text())),
        ])
    };
    let stats = [
        "total_records",
        "queued",
        "in_progress",
        "completed",
        "failed",
        "dnc",
        "rescheduled",
        "retry_pending",
        "follow_up_pending",
    ];
    let stats = stats.map(|name| (name, count()));
    let outcomes = Outcome::ALL.map(Outcome::as_str);
    json!({
        "Refused": object(&[("detail", text())]),
        "Order": object(&[("method", text()), ("path", text()), ("what", text())]),
        "Time": object(&[("now", moment()), ("webhooks_waiting", count())]),
        "Workspace": object(&[
            ("workspace_id", uuid()),
            ("name", text()),
            ("webhook_url", or_null(&text())),
        ]),
        "Campaign": object(&[
            ("campaign_id", uuid()),
            ("status", text()),
            ("stats", object(&stats)),
            ("workspace_id", uuid()),
            ("name", text()),
            ("waits_for", or_null(&text())),
            ("live_calls", count()),
            ("settings?", of("Settings")),
        ]),
        "Settings": settings(),
        "Outcome": one_of(&outcomes),
        "Turn": turn,
        "Line": line(json!({"type": "object"})),
        "Script": object(&[
            ("number", json!({"type": "integer"})),
            // What the agent extracts is kept as the text of its JSON.
            ("lines", json!({"type": "array", "items": line(text())})),
        ]),
        "Barred": object(&[
            ("workspace_id", uuid()),
            ("number", text()),
            ("at", moment()),
            ("reason", text()),
        ]),
        "Phone": object(&[
            ("number", text()),
            ("call_id", or_null(&uuid())),
            ("is_ringing", flag()),
            ("conversation", json!({"type": "array", "items": of("Turn")})),
        ]),
        "Fault": fault(&[]),
        "OrderedFault": fault(&[("id", count()), ("seen", count()), ("struck", count())]),
    })
}
