//! A record: where it stands, and what became of it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};

use super::asked::Asked;
use super::layout::{self, Page, Place};
use super::{gates, orders, parts, timeline};
use crate::outcome::number_key;
use crate::record::Entry;
use crate::routes::Shared;
use crate::world::World;
use crate::{gate, show};
use revrag::http::parse_id;

pub(super) async fn page(
    State(shared): State<Arc<Shared>>,
    Path((id, run_id)): Path<(String, String)>,
    asked: Asked,
) -> Response {
    let held = shared.engine.lock();
    let world = held.world();
    let campaign = orders::campaign(&held, &id);
    let record = campaign.and_then(|campaign| {
        Some((campaign, world.record(campaign, parse_id("run_id", &run_id).ok()?)?))
    });
    let Some((campaign, record)) = record else {
        return layout::missing(&shared, &held, &asked, "record");
    };
    let it = &world.campaigns()[campaign];
    let entry = &it.records()[record];
    let path = parts::campaign_path(it);
    let raw = serde_json::to_string(&show::record(world, campaign, record)).unwrap_or_default();
    let body = html! {
        div.head {
            h1 { (parts::number(&asked, &entry.phone_number)) " " (parts::record_badge(entry.status)) }
            (buttons(world, it.workspace, entry, &asked))
        }
        div.columns {
            section.panel aria-labelledby="timeline" {
                h2 id="timeline" { "Timeline" }
                (timeline::timeline(world, &shared.deliveries, (campaign, record), &asked))
            }
            div {
                (facts(world, campaign, record, &asked))
                section.panel aria-labelledby="variables" {
                    h2 id="variables" { "Variables" }
                    (variables(&entry.variables, &asked))
                }
            }
        }
        details.panel.raw {
            summary { "As the API answers" }
            (parts::block("record-json", "The record as JSON", &parts::text(&asked, &parts::pretty(&raw))))
        }
    };
    let page = Page {
        place: Place::Campaigns,
        title: format!("Record {}", parts::short_id(entry.id)),
        above: vec![
            ("/".to_owned(), "Campaigns".to_owned()),
            (path.clone(), it.settings().name.clone()),
            (format!("{path}/records"), "Records".to_owned()),
        ],
        body,
        spoken: format!("{}, {} attempts", parts::status_words(entry.status), entry.attempts),
    };
    page.response(&shared, &held, &asked)
}

fn buttons(world: &World, workspace: usize, entry: &Entry, asked: &Asked) -> Markup {
    let played = world.handset().contains_key(&number_key(&entry.phone_number));
    let barred = world.barred(workspace, &entry.phone_number).is_some();
    html! {
        div.actions {
            form method="post" action="/handset" data-quiet {
                (layout::way_back(asked))
                input type="hidden" name="number" value=(entry.phone_number);
                @if played {
                    button name="on" value="no" { "Stop playing" }
                } @else {
                    button name="on" value="yes" { "Play this person" }
                }
            }
            form method="post" action="/do-not-call" data-quiet {
                (layout::way_back(asked))
                input type="hidden" name="number" value=(entry.phone_number);
                input type="hidden" name="workspace" value=(workspace);
                @if barred {
                    button name="on" value="no" { "Allow calls" }
                } @else {
                    button name="on" value="yes" { "Do not call" }
                }
            }
        }
    }
}

fn facts(world: &World, campaign: usize, record: usize, asked: &Asked) -> Markup {
    let it = &world.campaigns()[campaign];
    let entry = &it.records()[record];
    let zone = it.calendar().zone();
    html! {
        section.panel aria-labelledby="facts" {
            h2 id="facts" { "Record" }
            dl.facts {
                div { dt { "Run id" } dd { (parts::copied("run-id", &entry.id.to_string())) } }
                div { dt { "Number" } dd { (parts::number(asked, &entry.phone_number)) } }
                div { dt { "Attempts" } dd { (entry.attempts) " of " (entry.max_attempts) } }
                @if let Some(wait) = gate::of_record(world, campaign, record) {
                    div { dt { "Waits for" } dd { (gates::waits(&wait, zone, world.now())) } }
                }
                @if let Some(user) = &entry.app_user_id {
                    div { dt { "App user id" } dd { (parts::text(asked, user)) } }
                }
                @if let Some(session) = &entry.app_session_id {
                    div { dt { "App session id" } dd { (parts::text(asked, session)) } }
                }
                div { dt { "Pushed" } dd { (parts::full_moment(entry.created_at, zone)) } }
                div { dt { "Changed" } dd { (parts::full_moment(entry.updated_at, zone)) } }
            }
        }
    }
}

/// Variables by name, and what is no plain value as JSON.
pub(super) fn variables(json: &str, asked: &Asked) -> Markup {
    let map: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(json).unwrap_or_default();
    html! {
        @if map.is_empty() {
            p.quiet { "None." }
        } @else {
            dl.facts {
                @for (name, value) in &map {
                    div {
                        dt { (parts::text(asked, name)) }
                        dd {
                            @match value {
                                serde_json::Value::String(text) => { (parts::text(asked, text)) }
                                other => { code { (parts::text(asked, &other.to_string())) } }
                            }
                        }
                    }
                }
            }
        }
    }
}
