//! The log of requests to the service: what came, what was answered, and which rule refused it.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::asked::Asked;
use super::layout::{self, Page, Place};
use super::parts;
use crate::requests::Request;
use crate::ring::Text;
use crate::routes::Shared;

const PAGE: usize = 50;

#[derive(Deserialize)]
pub(super) struct Listing {
    #[serde(default)]
    only: String,
    #[serde(default)]
    page: String,
}

impl Listing {
    pub(super) fn page(&self) -> usize {
        self.page.parse().unwrap_or(1).max(1)
    }

    pub(super) fn only(&self) -> &str {
        &self.only
    }
}

pub(super) async fn page(
    State(shared): State<Arc<Shared>>,
    Query(listing): Query<Listing>,
    asked: Asked,
) -> Response {
    let held = shared.engine.lock();
    let zone = layout::zone(&held);
    let only_refused = listing.only == "refused";
    let page = listing.page();
    let refused = |it: &&Request| !only_refused || it.status.is_none_or(|status| status >= 400);
    let (count, mut shown) = {
        let ring = shared.requests.lock();
        let found = ring.iter().filter(refused).skip((page - 1).saturating_mul(PAGE));
        (ring.count(), found.take(PAGE + 1).cloned().collect::<Vec<_>>())
    };
    let has_more = shown.len() > PAGE;
    shown.truncate(PAGE);
    let body = html! {
        div.head { h1 { "Requests" } }
        p.lead { "Every request to the service, newest first, with its answer and the rule that refused it. The last thousand are kept." }
        (filters("/requests", &listing.only, &[("", "All"), ("refused", "Refused or broken")]))
        @if shown.is_empty() {
            (parts::nothing("No requests", "They show here as soon as something calls the API."))
        } @else {
            div.panel.flush {
                div.scroll tabindex="0" role="region" aria-label="Requests" {
                    table.rows {
                        thead { tr {
                            th scope="col" { "Request" } th scope="col" { "Answer" }
                            th.wide scope="col" { "Refused by" } th.wide.count scope="col" { "Took" }
                            th scope="col" { "At" }
                        } }
                        tbody {
                            @for it in &shown {
                                tr id={ "request-" (it.id) } {
                                    td.path {
                                        a.row-link href={ "/requests/" (it.id) } {
                                            code.method { (it.method) } " " code { (short_path(&asked, &it.path)) }
                                        }
                                    }
                                    td { (answer(it.status)) }
                                    td.wide { @if let Some(rule) = &it.rule { code { (rule.name) } } }
                                    td.wide.count { (milliseconds(it.seconds)) }
                                    td { (parts::moment(it.at, &zone)) }
                                }
                            }
                        }
                    }
                }
            }
            (pager("/requests", &listing.only, page, has_more))
        }
    };
    let page = Page {
        place: Place::Requests,
        title: "Requests".to_owned(),
        above: Vec::new(),
        body,
        spoken: format!("{count} requests so far"),
    };
    page.response(&shared, &held, &asked)
}

pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<u64>,
    asked: Asked,
) -> Response {
    let held = shared.engine.lock();
    let Some(it) = shared.requests.lock().get(id).cloned() else {
        return layout::missing(&shared, &held, &asked, "request, or it is kept no more");
    };
    let zone = layout::zone(&held);
    let body = html! {
        div.head { h1 { "Request " (it.id) " " (answer(it.status)) } }
        @if let Some(rule) = &it.rule {
            div.why.retry {
                p.why-title { "Refused by " code { (rule.name) } }
                p { "What would have passed: " (rule.passes) "." }
            }
        }
        section.panel aria-labelledby="facts" {
            h2 id="facts" { "Request" }
            dl.facts {
                div { dt { "Path" } dd { code { (it.method) " " (parts::text(&asked, &it.path)) } } }
                div { dt { "Request id" } dd { (parts::copied("request-id", &it.request_id.to_string())) } }
                div { dt { "At" } dd { (parts::full_moment(it.at, &zone)) } }
                div { dt { "Took" } dd { (milliseconds(it.seconds)) } }
                @if let Some(workspace) = it.workspace {
                    @if let Some(workspace) = held.world().workspaces().get(workspace) {
                        div { dt { "Workspace" } dd { (workspace.name) } }
                    }
                }
            }
        }
        div.twin {
            (text("request-body", "Request body", &it.request_body, &asked))
            (text("response-body", "Answer", &it.response_body, &asked))
        }
    };
    let page = Page {
        place: Place::Requests,
        title: format!("Request {id}"),
        above: vec![("/requests".to_owned(), "Requests".to_owned())],
        body,
        spoken: String::new(),
    };
    page.response(&shared, &held, &asked)
}

/// Ways to narrow a list down.
pub(super) fn filters(path: &str, only: &str, all: &[(&str, &str)]) -> Markup {
    html! {
        nav.pills aria-label="Show" {
            ul {
                @for (value, name) in all {
                    li {
                        a href={ (path) "?only=" (value) } aria-current=[(only == *value).then_some("true")] { (name) }
                    }
                }
            }
        }
    }
}

pub(super) fn pager(path: &str, only: &str, page: usize, has_more: bool) -> Markup {
    let to = |page: usize| format!("{path}?only={only}&page={page}");
    let only_known = only.chars().all(|c| c.is_ascii_alphanumeric());
    html! {
        @if only_known && (page > 1 || has_more) {
            nav.pages aria-label="Pages of the list" {
                p.quiet { "Page " (page) }
                div.actions {
                    @if page > 1 { a.button href=(to(page - 1)) rel="prev" { "Newer" } }
                    @if has_more { a.button href=(to(page + 1)) rel="next" { "Older" } }
                }
            }
        }
    }
}

/// An answer's status.
pub(super) fn answer(status: Option<u16>) -> Markup {
    let Some(status) = status else { return parts::badge("failed", "No answer") };
    let class = match status {
        200..300 => "done",
        300..400 => "live",
        400..500 => "retry",
        _ => "failed",
    };
    parts::badge(class, &status.to_string())
}

pub(super) fn milliseconds(seconds: f64) -> String {
    let milliseconds = seconds * 1e3;
    if milliseconds < 10.0 {
        format!("{milliseconds:.1} ms")
    } else {
        format!("{milliseconds:.0} ms")
    }
}

/// A path without what makes it long: the ids' ends.
fn short_path(asked: &Asked, path: &str) -> String {
    let path = parts::text(asked, path);
    let parts = path.split('/').map(|part| {
        let (id, query) = part.split_once('?').map_or((part, ""), |(id, query)| (id, query));
        let short = if uuid::Uuid::try_parse(id).is_ok() {
            id.chars().take(8).chain(['…']).collect()
        } else {
            id.chars().take(60).collect::<String>()
        };
        let query: String = query.chars().take(60).collect();
        if query.is_empty() { short } else { format!("{short}?{query}") }
    });
    parts.collect::<Vec<_>>().join("/")
}

/// A body, laid out where it is JSON.
pub(super) fn text(id: &str, label: &str, body: &Text, asked: &Asked) -> Markup {
    let whole = if body.is_cut { body.text.clone() } else { parts::pretty(&body.text) };
    html! {
        div.panel.plain {
            @if body.bytes == 0 {
                p.quiet { (label) ": empty." }
            } @else {
                (parts::block(id, label, &parts::text(asked, &whole)))
                @if body.is_cut { p.quiet.small { "The first 8 KiB of " (body.bytes) " bytes." } }
            }
        }
    }
}
