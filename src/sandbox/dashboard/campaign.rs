//! A campaign: its counts, its chart, its latest calls.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};

use super::asked::Asked;
use super::layout::{self, Page, Place};
use super::{chart, gates, orders, parts};
use crate::campaign::Campaign;
use crate::record::Status;
use crate::routes::Shared;
use crate::world::World;

/// Calls among which a campaign's latest are looked for.
const LOOKED_AT: usize = 2_000;
const LATEST: usize = 8;

pub(super) async fn page(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    asked: Asked,
) -> Response {
    let held = shared.engine.lock();
    let Some(index) = orders::campaign(&held, &id) else {
        return layout::missing(&shared, &held, &asked, "campaign");
    };
    let world = held.world();
    let it = &world.campaigns()[index];
    let body = html! {
        (head(it, &asked, Tab::Overview))
        (gates::panel(&gates::why(world, index)))
        (counts(it))
        section.panel aria-labelledby="over-time" {
            h2 id="over-time" { "Records over time" }
            (chart::chart(it.history().samples(), world.now(), it.calendar().zone()))
        }
        (latest(world, index, &asked))
    };
    page_of(it, body).response(&shared, &held, &asked)
}

fn page_of(it: &Campaign, body: Markup) -> Page {
    let told = Status::ALL.iter().filter(|status| it.count(**status) > 0).map(|status| {
        format!(
            "{} {}",
            parts::count(it.count(*status)),
            parts::status_words(*status).to_lowercase()
        )
    });
    let told: Vec<_> = told.collect();
    let spoken = format!("{} records: {}", parts::count(it.records().len()), told.join(", "));
    Page {
        place: Place::Campaigns,
        title: it.settings().name.clone(),
        above: vec![("/".to_owned(), "Campaigns".to_owned())],
        body,
        spoken,
    }
}

/// The pages of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Overview,
    Records,
    Settings,
}

/// What the pages of a campaign begin with.
pub(super) fn head(it: &Campaign, asked: &Asked, tab: Tab) -> Markup {
    let path = parts::campaign_path(it);
    let tabs = [
        (Tab::Overview, String::new(), "Overview"),
        (Tab::Records, "/records".to_owned(), "Records"),
        (Tab::Settings, "/settings".to_owned(), "Settings"),
    ];
    let start = match it.status() {
        "running" => None,
        "paused" => Some("Resume"),
        _ => Some("Start"),
    };
    html! {
        div.head {
            h1 { (it.settings().name) " " (parts::campaign_badge(it.status())) }
            form.actions method="post" action={ (path) "/status" } data-quiet {
                (layout::way_back(asked))
                @if let Some(start) = start {
                    button.primary name="status" value="running" { (start) }
                } @else {
                    button name="status" value="paused" { "Pause" }
                }
                @if !it.is_over() {
                    details.ask {
                        summary.danger { "Cancel…" }
                        div.ask-box {
                            p { "Whoever still waits will not be called." }
                            button.danger name="status" value="cancelled" { "Cancel the campaign" }
                        }
                    }
                }
            }
        }
        nav.tabs aria-label="Campaign" {
            ul {
                @for (it, under, name) in tabs {
                    li {
                        a href={ (path) (under) } aria-current=[(it == tab).then_some("page")] { (name) }
                    }
                }
            }
        }
    }
}

fn counts(it: &Campaign) -> Markup {
    let path = parts::campaign_path(it);
    html! {
        ul.tiles aria-label="Records by status" {
            li {
                a.tile href={ (path) "/records" } {
                    span.tile-name { "All" }
                    span.tile-count { (parts::count(it.records().len())) }
                }
            }
            @for status in Status::ALL {
                li {
                    a.tile href={ (path) "/records?status=" (status.as_str()) } {
                        span.tile-name {
                            span class={ "swatch " (parts::status_class(status)) } {}
                            (parts::status_words(status))
                        }
                        span.tile-count { (parts::count(it.count(status))) }
                    }
                }
            }
        }
    }
}

fn latest(world: &World, campaign: usize, asked: &Asked) -> Markup {
    let it = &world.campaigns()[campaign];
    let zone = it.calendar().zone();
    let calls = (0..world.calls().len()).rev().take(LOOKED_AT).map(|index| &world.calls()[index]);
    let calls: Vec<_> =
        calls.filter(|call| call.campaign as usize == campaign).take(LATEST).collect();
    html! {
        section.panel aria-labelledby="latest" {
            h2 id="latest" { "Latest calls" }
            @if calls.is_empty() {
                (parts::nothing("No calls yet", "They show here as soon as the runner places them."))
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Latest calls, as a table" {
                    table {
                        thead { tr {
                            th scope="col" { "Number" } th scope="col" { "Outcome" }
                            th.wide scope="col" { "Attempt" } th scope="col" { "Began" }
                            th.wide.count scope="col" { "Lasted" }
                        } }
                        tbody {
                            @for call in calls {
                                @let entry = &it.records()[call.record as usize];
                                tr id={ "call-" (call.id) } {
                                    td {
                                        a href={ "/calls/" (call.id) } {
                                            (parts::number(asked, &entry.phone_number))
                                        }
                                    }
                                    td { (parts::call_badge(call)) }
                                    td.wide { (call.attempt) }
                                    td { (parts::moment(call.started_at, zone)) }
                                    td.wide.count {
                                        @if call.ended { (parts::span(call.started_at, call.ends_at)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
