//! The `OpenAPI` document of the orders, from the table of them.

use std::sync::OnceLock;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::{TABLE, schemas};

/// `GET /_sandbox/openapi.json`.
pub(super) async fn answer() -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| document().to_string());
    ([(header::CONTENT_TYPE, "application/json")], text.as_str()).into_response()
}

fn document() -> Value {
    let mut paths = Map::new();
    for (method, path, what) in TABLE {
        let order = operation(method, path, what);
        let path = format!("/_sandbox{path}");
        let place = paths.entry(path).or_insert_with(|| json!({}));
        place[method.to_ascii_lowercase()] = order;
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Orders of a RevRag sandbox",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What tests order of a sandbox over HTTP: time, campaigns, scripts, faults. \
                They take no key, and come from this machine alone. The service itself is described \
                by /openapi.json.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas::all()},
    })
}

/// `advanceTime` of `POST /time/advance`.
fn id(method: &str, path: &str) -> String {
    let verb = match method {
        "GET" => "get",
        "PUT" => "set",
        "DELETE" => "remove",
        "PATCH" => "change",
        _ => "do",
    };
    let words = path.split(['/', '_', '.']).map(|word| word.trim_matches(['{', '}']));
    let words = words.filter(|word| !word.is_empty()).map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    let words: String = words.collect();
    format!("{verb}{}", if words.is_empty() { "Orders" } else { &words })
}

fn operation(method: &str, path: &str, what: &str) -> Value {
    let mut responses = Map::new();
    let schemas::Answer { status, schema } = schemas::answer(method, path);
    let good = match schema {
        None if status == "204" => json!({"description": "Done"}),
        None => json!({
            "description": "The bytes",
            "content": {"application/octet-stream": {"schema": {}}},
        }),
        Some(schema) => json!({
            "description": "Done",
            "content": {"application/json": {"schema": schema}},
        }),
    };
    responses.insert(status.to_owned(), good);
    let mut refuse = |status: &str, when: &str| {
        responses.insert(
            status.to_owned(),
            json!({
                "description": when,
                "content": {
                    "application/json": {"schema": {"$ref": "#/components/schemas/Refused"}},
                },
            }),
        );
    };
    refuse("403", "The request is another site's, or its Host is another machine's");
    let body = schemas::body(method, path);
    let names: Vec<_> = path
        .split('/')
        .filter_map(|part| part.strip_prefix('{').and_then(|part| part.strip_suffix('}')))
        .collect();
    if !names.is_empty() || (method, path) == ("POST", "/campaigns") {
        refuse("404", "There is nothing of this name");
    }
    let changes = method != "GET";
    if changes || path == "/requests" || path == "/deliveries" {
        refuse("422", "It can't be done as it is asked, or not now");
    }
    if path == "/time/run_until_delivered" {
        refuse("408", "Webhooks are still to be delivered");
    }
    if body.is_some() {
        refuse("415", "The content type is another");
        responses.insert(
            "413".to_owned(),
            json!({"description": "The body is too large", "content": {"text/plain": {}}}),
        );
    }
    let mut parameters: Vec<_> = names
        .iter()
        .map(|name| {
            let schema = json!({"type": "string", "minLength": 1});
            json!({"name": name, "in": "path", "required": true, "schema": schema})
        })
        .collect();
    if path == "/requests" || path == "/deliveries" {
        parameters.push(json!({
            "name": "limit",
            "in": "query",
            "description": "How many, at most.",
            "schema": {"type": "integer", "minimum": 0, "default": 100},
        }));
    }
    let mut order = json!({
        "operationId": id(method, path),
        "summary": what,
        "tags": ["orders"],
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(schemas::Body { kind, schema, required }) = body {
        order["requestBody"] = json!({"required": required, "content": {kind: {"schema": schema}}});
    }
    order
}
