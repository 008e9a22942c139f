//! Orders about workspaces, campaigns, scripts and the Do-Not-Call lists.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Answer, Name, Oops, campaign as campaign_of, done, name, read, read_any, workspace};
use crate::command::Command;
use crate::engine::Held;
use crate::outcome::{self, Line};
use crate::routes::Shared;
use crate::settings::Settings;
use crate::time::Seconds;
use crate::{gate, show};
use revrag::http::parse_id;
use revrag::model::Timestamp;
use revrag::{Error, Secret};

fn running() -> String {
    "running".to_owned()
}

pub(super) async fn workspaces(State(shared): State<Arc<Shared>>) -> Answer {
    let held = shared.engine.lock();
    let rows = held.world().workspaces().iter().map(|it| {
        let webhook = it.webhook.as_ref().map(|webhook| &webhook.url);
        json!({"workspace_id": it.id, "name": it.name, "webhook_url": webhook})
    });
    Ok(Json(rows.collect::<Value>()).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewWorkspace {
    api_key: String,
    #[serde(default)]
    name: String,
}

pub(super) async fn add_workspace(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let NewWorkspace { api_key, name } = read(&headers, &body)?;
    let id = shared.engine.add_workspace(name, Secret::new(api_key))?;
    Ok((StatusCode::CREATED, Json(json!({"workspace_id": id}))).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct To {
    url: String,
    secret: String,
}

pub(super) async fn set_webhook(
    State(shared): State<Arc<Shared>>,
    id: Name,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let workspace = workspace(&shared.engine.lock(), Some(&name(id)?))?;
    let to: Option<To> = read(&headers, &body)?;
    let to = to.map(|to| (to.url, Secret::new(to.secret)));
    shared.engine.set_webhook(workspace, to)?;
    Ok(done())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotation {
    secret: String,
    #[serde(default = "a_day")]
    overlap: Seconds,
}

fn a_day() -> Seconds {
    Seconds::of(24 * 60 * 60)
}

pub(super) async fn rotate_secret(
    State(shared): State<Arc<Shared>>,
    id: Name,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let workspace = workspace(&shared.engine.lock(), Some(&name(id)?))?;
    let Rotation { secret, overlap } = read(&headers, &body)?;
    shared.engine.rotate_secret(workspace, Secret::new(secret), overlap)?;
    Ok(done())
}

/// A campaign, as it stands.
fn shown(held: &Held, index: usize, whole: bool) -> Result<Value, Oops> {
    let broken =
        |error: serde_json::Error| Oops::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
    let world = held.world();
    let it = &world.campaigns()[index];
    let mut shown =
        serde_json::to_value(show::campaign(world, index).map_err(broken)?).map_err(broken)?;
    let wait = gate::of_campaign(world, index);
    shown["workspace_id"] = json!(world.workspaces()[it.workspace].id);
    shown["name"] = json!(it.settings().name);
    shown["waits_for"] = json!(wait.map(|wait| wait.words(it.calendar().zone(), world.now())));
    shown["live_calls"] = json!(it.live());
    if whole {
        shown["settings"] = serde_json::to_value(it.settings()).map_err(broken)?;
    }
    Ok(shown)
}

pub(super) async fn campaigns(State(shared): State<Arc<Shared>>) -> Answer {
    let held = shared.engine.lock();
    let all = 0..held.world().campaigns().len();
    let rows: Result<Vec<_>, _> = all.map(|index| shown(&held, index, false)).collect();
    Ok(Json(rows?).into_response())
}

pub(super) async fn campaign(State(shared): State<Arc<Shared>>, id: Name) -> Answer {
    let held = shared.engine.lock();
    let index = campaign_of(&held, &name(id)?)?;
    Ok(Json(shown(&held, index, true)?).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCampaign {
    campaign_id: Option<String>,
    workspace_id: Option<String>,
    #[serde(default = "running")]
    status: String,
    #[serde(default)]
    settings: Map<String, Value>,
}

fn settings_of(written: Value) -> Result<Settings, Error> {
    serde_path_to_error::deserialize(written).map_err(|error| {
        let path = format!("settings.{}", error.path());
        Error::invalid(path, error.inner().to_string())
    })
}

pub(super) async fn add_campaign(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let NewCampaign { campaign_id, workspace_id, status, settings } = read(&headers, &body)?;
    let id = campaign_id.map(|id| parse_id("campaign_id", &id)).transpose()?;
    let workspace = workspace(&shared.engine.lock(), workspace_id.as_deref())?;
    let settings = settings_of(Value::Object(settings))?;
    let id = shared.engine.add_campaign(workspace, id, status, settings)?;
    Ok((StatusCode::CREATED, Json(json!({"campaign_id": id}))).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    status: Option<String>,
    #[serde(default)]
    settings: Map<String, Value>,
}

pub(super) async fn change_campaign(
    State(shared): State<Arc<Shared>>,
    id: Name,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let id = name(id)?;
    let Change { status, settings } = read(&headers, &body)?;
    shared.engine.turn(|held| {
        let campaign = campaign_of(held, &id)?;
        if !settings.is_empty() {
            let mut all = serde_json::to_value(held.world().campaigns()[campaign].settings())
                .map_err(|error| Error::invalid("settings", error.to_string()))?;
            for (name, value) in settings {
                all[name] = value;
            }
            let settings = Box::new(settings_of(all)?);
            held.apply(Command::SetSettings { campaign, settings })?;
        }
        if let Some(status) = status {
            held.apply(Command::SetStatus { campaign, status })?;
        }
        Ok::<_, Oops>(())
    })?;
    let held = shared.engine.lock();
    let index = campaign_of(&held, &id)?;
    Ok(Json(shown(&held, index, true)?).into_response())
}

pub(super) async fn scripts(State(shared): State<Arc<Shared>>) -> Answer {
    let held = shared.engine.lock();
    let scripts = held.world().scripts().iter();
    let rows = scripts.map(|(number, lines)| json!({"number": number, "lines": lines}));
    Ok(Json(rows.collect::<Value>()).into_response())
}

pub(super) async fn script(
    State(shared): State<Arc<Shared>>,
    number: Name,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let number = name(number)?;
    let lines: Vec<Value> = read_any(&headers, &body)?;
    let lines = lines.into_iter().enumerate().map(|(index, line)| {
        Line::read(line).map_err(|problem| Error::invalid(format!("[{index}]"), problem))
    });
    let lines = lines.collect::<Result<_, _>>()?;
    shared.engine.order(Command::Script { number, lines })?;
    Ok(done())
}

pub(super) async fn unscript(State(shared): State<Arc<Shared>>, number: Name) -> Answer {
    let number = name(number)?;
    shared.engine.order(Command::Script { number, lines: Vec::new() })?;
    Ok(done())
}

pub(super) async fn dnc(State(shared): State<Arc<Shared>>) -> Answer {
    let held = shared.engine.lock();
    let rows = held.world().workspaces().iter().flat_map(|workspace| {
        workspace.dnc.values().map(|it| {
            json!({
                "workspace_id": workspace.id,
                "number": it.number,
                "at": Timestamp::from(it.at),
                "reason": it.reason,
            })
        })
    });
    Ok(Json(rows.collect::<Value>()).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bar {
    workspace_id: Option<String>,
    #[serde(default = "by_hand")]
    reason: String,
}

fn by_hand() -> String {
    "Added by hand".to_owned()
}

pub(super) async fn bar(
    State(shared): State<Arc<Shared>>,
    number: Name,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let number = name(number)?;
    let Bar { workspace_id, reason } = read(&headers, &body)?;
    let workspace = workspace(&shared.engine.lock(), workspace_id.as_deref())?;
    shared.engine.order(Command::Bar { workspace, number, reason })?;
    Ok(done())
}

pub(super) async fn unbar(State(shared): State<Arc<Shared>>, number: Name) -> Answer {
    let number = name(number)?;
    shared.engine.turn(|held| {
        for workspace in 0..held.world().workspaces().len() {
            let key = outcome::number_key(&number);
            if held.world().workspaces()[workspace].dnc.contains_key(&key) {
                held.apply(Command::Unbar { workspace, number: number.clone() })?;
            }
        }
        Ok::<_, Oops>(())
    })?;
    Ok(done())
}
