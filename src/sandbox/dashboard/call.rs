//! A call: what was said, its recording, what came of it.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};

use super::asked::Asked;
use super::layout::{self, Page, Place};
use super::{handset, parts};
use crate::call::{Call, Person};
use crate::outcome::Turn;
use crate::routes::Shared;
use crate::show;
use crate::world::World;
use revrag::http::parse_id;
use revrag::model;

pub(super) async fn page(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    asked: Asked,
) -> Response {
    let held = shared.engine.lock();
    let world = held.world();
    let Some(index) = parse_id("call_id", &id).ok().and_then(|id| world.any_call(id)) else {
        return layout::missing(&shared, &held, &asked, "call");
    };
    let call = &world.calls()[index];
    let it = &world.campaigns()[call.campaign as usize];
    let entry = &it.records()[call.record as usize];
    let shown = show::call(world, index, &shared.links, held.now());
    let record = format!("{}/records/{}", parts::campaign_path(it), entry.id);
    let raw = serde_json::to_string(&shown).unwrap_or_default();
    let recording = shown.recording_url.as_deref().and_then(own);
    let body = html! {
        div.head {
            h1 { "Call to " (parts::number(&asked, &entry.phone_number)) " " (parts::call_badge(call)) }
        }
        div.columns {
            div {
                section.panel aria-labelledby="said" {
                    h2 id="said" { "Conversation" }
                    @if let Some(url) = recording {
                        // A link that is renewed would start the recording anew.
                        audio id="recording" controls preload="none" src=(url) data-keep
                            aria-label="Recording of the call" {}
                    }
                    (conversation(&turns(call, &shown), &asked))
                    @if !call.ended && call.person != Person::No {
                        (handset::controls(call, &asked))
                    }
                }
            }
            div {
                (facts(world, call, &record, &asked))
                @if let Some(summary) = &shown.summary {
                    section.panel aria-labelledby="summary" {
                        h2 id="summary" { "Summary" }
                        p { (parts::text(&asked, summary)) }
                    }
                }
                (extracted(&shown, &asked))
            }
        }
        details.panel.raw {
            summary { "As the API answers" }
            (parts::block("call-json", "The call as JSON", &parts::text(&asked, &parts::pretty(&raw))))
        }
    };
    let page = Page {
        place: Place::Campaigns,
        title: format!("Call {}", parts::short_id(call.id)),
        above: vec![
            ("/".to_owned(), "Campaigns".to_owned()),
            (parts::campaign_path(it), it.settings().name.clone()),
            (format!("{}/records", parts::campaign_path(it)), "Records".to_owned()),
            (record, format!("Record {}", parts::short_id(entry.id))),
        ],
        body,
        spoken: parts::call_words(call).1.to_owned(),
    };
    page.response(&shared, &held, &asked)
}

/// A link of the sandbox's without its host, which the browser may know by another name.
fn own(url: &str) -> Option<String> {
    let url = url::Url::parse(url).ok()?;
    Some(format!("{}?{}", url.path(), url.query()?))
}

/// What was said: in a call that goes on, so far.
fn turns(call: &Call, shown: &model::Call) -> Vec<Turn> {
    if !call.ended {
        return call.said.clone();
    }
    let messages = shown.transcription.iter().flat_map(|it| it.messages.iter());
    messages
        .map(|message| Turn {
            role: message.role.clone().unwrap_or_default(),
            content: message.content.clone().unwrap_or_default(),
        })
        .collect()
}

/// Who said what.
pub(super) fn conversation(turns: &[Turn], asked: &Asked) -> Markup {
    html! {
        @if turns.is_empty() {
            p.quiet { "Nobody spoke." }
        } @else {
            ol.conversation {
                @for turn in turns {
                    @let agent = turn.role == "assistant";
                    li.agent[agent].callee[!agent] {
                        span.who { @if agent { "Agent" } @else { "Callee" } }
                        p.bubble { (parts::text(asked, &turn.content)) }
                    }
                }
            }
        }
    }
}

fn facts(world: &World, call: &Call, record: &str, asked: &Asked) -> Markup {
    let it = &world.campaigns()[call.campaign as usize];
    let zone = it.calendar().zone();
    html! {
        section.panel aria-labelledby="facts" {
            h2 id="facts" { "Call" }
            dl.facts {
                div { dt { "Call id" } dd { (parts::copied("call-id", &call.id.to_string())) } }
                div { dt { "Record" } dd { a href=(record) { "Attempt " (call.attempt) " of the record" } } }
                div { dt { "From" } dd { (parts::number(asked, &it.settings().from_number)) } }
                div { dt { "Began" } dd { (parts::full_moment(call.started_at, zone)) } }
                @if call.ended {
                    div { dt { "Ended" } dd { (parts::full_moment(call.ends_at, zone)) } }
                    div { dt { "Lasted" } dd { (parts::span(call.started_at, call.ends_at)) } }
                    div { dt { "Hang-up" } dd { code { (call.hangup()) } } }
                }
            }
        }
    }
}

fn extracted(shown: &model::Call, asked: &Asked) -> Markup {
    let variables: Vec<_> = shown.custom_variables.iter().collect();
    html! {
        @if !variables.is_empty() {
            section.panel aria-labelledby="extracted" {
                h2 id="extracted" { "Extracted" }
                dl.facts {
                    @for variable in variables {
                        @let value = String::from_utf8_lossy(variable.value.text());
                        div {
                            dt { (parts::text(asked, variable.key.as_deref().unwrap_or_default())) }
                            dd { code { (parts::text(asked, &value)) } }
                        }
                    }
                }
            }
        }
    }
}
