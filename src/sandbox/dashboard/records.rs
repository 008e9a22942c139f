//! A campaign's records: filtered, searched, in pages.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::asked::Asked;
use super::campaign::{Tab, head};
use super::layout::{self, Page, Place};
use super::parts::{self, Icon};
use super::search::{self, Found};
use super::{gates, orders};
use crate::gate;
use crate::record::Status;
use crate::routes::Shared;
use crate::world::World;

const PAGE: usize = 25;

#[derive(Deserialize)]
pub(super) struct Listing {
    #[serde(default)]
    status: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    page: String,
}

pub(super) async fn page(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Query(listing): Query<Listing>,
    asked: Asked,
) -> Response {
    let held = shared.engine.lock();
    let Some(index) = orders::campaign(&held, &id) else {
        return layout::missing(&shared, &held, &asked, "campaign");
    };
    let world = held.world();
    let it = &world.campaigns()[index];
    let status = Status::named(&listing.status);
    let page = listing.page.parse::<usize>().unwrap_or(1).max(1);
    let skip = (page - 1).saturating_mul(PAGE);
    let found = search::find(world, index, status, &listing.q, (skip, PAGE));
    let path = format!("{}/records", parts::campaign_path(it));
    let body = html! {
        (head(it, &asked, Tab::Records))
        (filter(&path, status, &listing.q))
        @if found.was_cut {
            p.quiet.small { "Only the newest " (parts::count(search::LOOKED_AT)) " records were searched. A whole number or a run id is found among all." }
        }
        @if found.records.is_empty() {
            @if listing.q.is_empty() && status.is_none() {
                (parts::nothing("No records yet", "Push some: the Settings tab has the request to copy."))
            } @else {
                (parts::nothing("Nothing matches", "Try another status, or less of the text."))
            }
        } @else {
            (table(world, index, &found, &asked))
            (pages(&path, status, &listing.q, page, &found))
        }
    };
    let told = found.total.map_or_else(|| "many".to_owned(), parts::count);
    let page = Page {
        place: Place::Campaigns,
        title: "Records".to_owned(),
        above: vec![
            ("/".to_owned(), "Campaigns".to_owned()),
            (parts::campaign_path(it), it.settings().name.clone()),
        ],
        body,
        spoken: format!("{told} records found"),
    };
    page.response(&shared, &held, &asked)
}

fn filter(path: &str, status: Option<Status>, text: &str) -> Markup {
    html! {
        form.filter method="get" action=(path) role="search" aria-label="Records" {
            label.search {
                (parts::icon(Icon::Search))
                span.sr { "Search by number, id or variable" }
                input type="search" name="q" value=(text) placeholder="Number, id or variable";
            }
            label {
                span.sr { "Status" }
                select name="status" {
                    option value="" { "Any status" }
                    @for it in Status::ALL {
                        option value=(it.as_str()) selected[status == Some(it)] { (parts::status_words(it)) }
                    }
                }
            }
            button { "Search" }
            @if status.is_some() || !text.is_empty() { a.clear href=(path) { "Clear" } }
        }
    }
}

fn table(world: &World, campaign: usize, found: &Found, asked: &Asked) -> Markup {
    let it = &world.campaigns()[campaign];
    let zone = it.calendar().zone();
    let path = parts::campaign_path(it);
    html! {
        div.panel.flush {
            div.scroll tabindex="0" role="region" aria-label="Records" {
                table.rows {
                    thead { tr {
                        th scope="col" { "Record" } th scope="col" { "Status" }
                        th.count scope="col" { "Attempts" } th.wide scope="col" { "Last call" }
                        th.wide scope="col" { "Next" } th.wide scope="col" { "Changed" }
                    } }
                    tbody {
                        @for index in &found.records {
                            @let entry = &it.records()[*index];
                            tr id={ "record-" (entry.id) } {
                                td {
                                    a.row-link href={ (path) "/records/" (entry.id) } {
                                        (parts::number(asked, &entry.phone_number))
                                    }
                                    div.quiet.small {
                                        code { (parts::short_id(entry.id)) }
                                        @if let Some(user) = &entry.app_user_id {
                                            " · " (parts::text(asked, user))
                                        }
                                    }
                                }
                                td { (parts::record_badge(entry.status)) }
                                td.count { (entry.attempts) span.quiet { " of " (entry.max_attempts) } }
                                td.wide {
                                    @if let Some(call) = entry.last_call {
                                        @let call = &world.calls()[call as usize];
                                        a href={ "/calls/" (call.id) } { code { (parts::short_id(call.id)) } }
                                    } @else { span.quiet { "–" } }
                                }
                                td.wide {
                                    @if let Some(wait) = gate::of_record(world, campaign, *index) {
                                        span.quiet { (gates::waits(&wait, zone, world.now())) }
                                    } @else { span.quiet { "–" } }
                                }
                                td.wide { (parts::moment(entry.updated_at, zone)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn pages(path: &str, status: Option<Status>, text: &str, page: usize, found: &Found) -> Markup {
    let status = status.map_or("", Status::as_str);
    let text = utf8_percent_encode(text, NON_ALPHANUMERIC);
    let to = |page: usize| format!("{path}?status={status}&q={text}&page={page}");
    let first = (page - 1) * PAGE + 1;
    let last = first + found.records.len() - 1;
    html! {
        nav.pages aria-label="Pages of the list" {
            p.quiet {
                (parts::count(first)) "–" (parts::count(last))
                @if let Some(total) = found.total { " of " (parts::count(total)) }
            }
            div.actions {
                @if page > 1 { a.button href=(to(page - 1)) rel="prev" { "Previous" } }
                @if found.has_more { a.button href=(to(page + 1)) rel="next" { "Next" } }
            }
        }
    }
}
