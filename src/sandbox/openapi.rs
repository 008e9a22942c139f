//! The `OpenAPI` document of the service, made from the very types that it answers with.

use std::sync::OnceLock;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use schemars::JsonSchema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value, json};

use revrag::http::MAX_PAGE_SIZE;
use revrag::model::{Call, CampaignStatus, NewRecord, PushResult, Record, RecordPage};

/// What may be null in an answer; all else that is documented is always there.
const NULLABLE: [(&str, &[&str]); 3] = [
    ("Record", &["app_user_id", "app_session_id", "next_attempt_at", "dnc_at", "dnc_reason"]),
    ("PushOutcome", &["run_id", "status", "error"]),
    (
        "Call",
        &[
            "summary",
            "end_time",
            "duration",
            "disconnection_reason",
            "recording_url",
            "transcription",
            "app_user_id",
            "app_session_id",
        ],
    ),
];

/// `GET /openapi.json`.
pub(super) fn router() -> Router {
    Router::new().route(
        "/openapi.json",
        get(|| async { ([(header::CONTENT_TYPE, "application/json")], text()) }),
    )
}

fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| document().to_string())
}

/// One entry of a 422's `detail`.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "it is a schema")]
struct Fault {
    /// Where, as in `["body", "records", 0, "phone_number"]`.
    loc: Vec<Place>,
    /// What is wrong.
    msg: String,
    /// Its kind, as in `missing`.
    r#type: String,
}

#[derive(JsonSchema)]
#[schemars(untagged)]
#[allow(dead_code, reason = "it is a schema")]
enum Place {
    Name(String),
    Index(u64),
}

/// Why a request was refused.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "it is a schema")]
struct Refused {
    /// In words.
    detail: String,
}

/// What is wrong with a request's body or query.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "it is a schema")]
struct Unprocessable {
    /// Each fault of it.
    detail: Vec<Fault>,
}

/// The records to push.
#[derive(JsonSchema)]
#[allow(dead_code, reason = "it is a schema")]
struct Push {
    /// One or more records; a single one is a list of one.
    #[schemars(length(min = 1))]
    records: Vec<NewRecord>,
}

/// An answer: its content type, its schema, and when it is given.
fn answer(when: &str, schema: &Value) -> Value {
    json!({
        "description": when,
        "headers": {"X-Request-ID": {"schema": {"type": "string", "format": "uuid"}}},
        "content": {"application/json": {"schema": schema}},
    })
}

struct Writer {
    answers: SchemaGenerator,
    requests: SchemaGenerator,
}

impl Writer {
    fn operation(
        &mut self,
        name: &str,
        what: &str,
        parameters: &Value,
        good: Value,
        refusals: &[(u16, &str)],
    ) -> Value {
        let refused = self.answers.subschema_for::<Refused>().to_value();
        let unprocessable = self.answers.subschema_for::<Unprocessable>().to_value();
        let mut responses = Map::new();
        responses.insert("200".to_owned(), good);
        for (status, when) in refusals {
            let schema = if *status == 422 { &unprocessable } else { &refused };
            responses.insert(status.to_string(), answer(when, schema));
        }
        json!({
            "operationId": name,
            "summary": what,
            "parameters": parameters,
            "responses": responses,
        })
    }

    fn good<T: JsonSchema>(&mut self, when: &str) -> Value {
        answer(when, &self.answers.subschema_for::<T>().to_value())
    }
}

fn id(name: &str, what: &str) -> Value {
    json!({
        "name": name,
        "in": "path",
        "required": true,
        "description": what,
        "schema": {"type": "string", "format": "uuid"},
    })
}

fn query(name: &str, what: &str, schema: &Value) -> Value {
    json!({"name": name, "in": "query", "description": what, "schema": schema})
}

const UNAUTHORIZED: (u16, &str) = (401, "The X-API-Key is missing or nobody's");
const NO_CAMPAIGN: (u16, &str) = (404, "The key's workspace has no such campaign");

fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut writer = Writer {
        answers: settings.clone().for_serialize().into_generator(),
        requests: settings.into_generator(),
    };
    let campaign = id("campaign_id", "The campaign.");
    let good = writer.good::<PushResult>("An outcome for each record, in the order pushed");
    let mut push = writer.operation(
        "pushRecords",
        "Queue records for calling",
        &json!([campaign]),
        good,
        &[
            (400, "The campaign accepts no pushes"),
            UNAUTHORIZED,
            NO_CAMPAIGN,
            (408, "The body did not arrive in time"),
            (413, "The body is larger than 10 MiB"),
            (422, "The body is of another shape"),
        ],
    );
    let body = writer.requests.subschema_for::<Push>().to_value();
    push["requestBody"] =
        json!({"required": true, "content": {"application/json": {"schema": body}}});
    let good = writer.good::<RecordPage>("A page of records, newest first");
    let parameters = json!([
        campaign,
        query("status", "Only records of this status.", &json!({"type": "string"})),
        query(
            "page",
            "The page, from 1.",
            &json!({"type": "integer", "minimum": 1, "maximum": u64::MAX, "default": 1}),
        ),
        query(
            "page_size",
            "Records per page.",
            &json!({"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": 50}),
        ),
    ]);
    let refusals = [UNAUTHORIZED, NO_CAMPAIGN, (422, "There is no such page")];
    let records =
        writer.operation("listRecords", "List a campaign's records", &parameters, good, &refusals);
    let good = writer.good::<Record>("The record");
    let refusals = [UNAUTHORIZED, (404, "The campaign has no such record, or is not there")];
    let parameters = json!([campaign, id("run_id", "The run id that the push answered with.")]);
    let record = writer.operation("getRecord", "Get a record", &parameters, good, &refusals);
    let good = writer.good::<CampaignStatus>("Its status, and records by status");
    let refusals = [UNAUTHORIZED, NO_CAMPAIGN];
    let status = writer.operation(
        "getCampaignStatus",
        "Get a campaign's status",
        &json!([campaign]),
        good,
        &refusals,
    );
    let good = writer.good::<Call>("The call");
    let refusals = [UNAUTHORIZED, (404, "The key's workspace has no such call")];
    let parameters = json!([id("call_id", "A call of a record's call_history.")]);
    let call = writer.operation("getCall", "Get a call", &parameters, good, &refusals);
    let recording = recording(&mut writer);
    let mut schemas = writer.answers.take_definitions(true);
    schemas.iter_mut().for_each(|(name, schema)| complete(name, schema));
    schemas.extend(writer.requests.take_definitions(true));
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "RevRag Campaign Records API, in a sandbox",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Faults on order, under /_sandbox/, answer otherwise than is said here.",
        },
        "servers": [{"url": "/"}],
        "security": [{"ApiKey": []}],
        "paths": {
            "/v1/campaigns/{campaign_id}/records/push-bulk": {"post": push},
            "/v1/campaigns/{campaign_id}/records": {"get": records},
            "/v1/campaigns/{campaign_id}/records/{run_id}": {"get": record},
            "/v1/campaigns/{campaign_id}/status": {"get": status},
            "/v1/campaigns/trigger/status/{call_id}": {"get": call},
            "/recordings/{file}": {"get": recording},
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    })
}

fn recording(writer: &mut Writer) -> Value {
    let audio = json!({
        "description": "The recording",
        "headers": {"X-Request-ID": {"schema": {"type": "string", "format": "uuid"}}},
        "content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}},
    });
    let parameters = json!([
        json!({
            "name": "file",
            "in": "path",
            "required": true,
            "description": "The call's id and .wav.",
            "schema": {"type": "string"},
        }),
        query("expires", "Until when the link is good.", &json!({"type": "string"})),
        query("signature", "What proves it.", &json!({"type": "string"})),
    ]);
    let refusals = [(403, "The link is forged or has expired"), (404, "There is no such call")];
    let mut recording = writer.operation(
        "getRecording",
        "Get a recording, by a call's recording_url",
        &parameters,
        audio,
        &refusals,
    );
    recording["security"] = json!([]);
    recording
}

/// The models are read leniently. The sandbox writes all of their fields, and few as null.
fn complete(name: &str, schema: &mut Value) {
    let nullable = NULLABLE.iter().find(|(it, _)| *it == name).map_or(&[][..], |(_, all)| all);
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return;
    };
    let names: Vec<_> = properties.keys().cloned().collect();
    for (name, property) in properties.iter_mut() {
        if !nullable.contains(&name.as_str()) {
            never_null(property);
        }
    }
    schema["required"] = json!(names);
    // A 422's entries say more, each kind its own.
    if name != "Fault" {
        schema["additionalProperties"] = json!(false);
    }
}

fn never_null(property: &mut Value) {
    if let Some(kinds) = property.get_mut("type")
        && let Some(left) = kinds.as_array_mut()
    {
        left.retain(|kind| kind != "null");
        if let [only] = &left[..] {
            *kinds = only.clone();
        }
    }
    let whole = property.get_mut("anyOf").and_then(Value::as_array_mut).and_then(|any| {
        any.retain(|one| *one != json!({"type": "null"}));
        (any.len() == 1).then(|| any.remove(0))
    });
    if let (Some(Value::Object(whole)), Some(property)) = (whole, property.as_object_mut()) {
        property.remove("anyOf");
        property.extend(whole);
    }
}
