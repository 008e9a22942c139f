//! Webhook deliveries: each attempt with its request and its answer, and sending again.

use std::sync::Arc;

use axum::extract::{Form, Path, Query, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::asked::{self, Asked};
use super::layout::{self, Page, Place};
use super::parts;
use super::requests::{self, Listing};
use crate::deliveries::Delivery;
use crate::routes::Shared;
use revrag::Error;

const PAGE: usize = 50;

pub(super) async fn page(
    State(shared): State<Arc<Shared>>,
    Query(listing): Query<Listing>,
    asked: Asked,
) -> Response {
    let held = shared.engine.lock();
    let zone = layout::zone(&held);
    let world = held.world();
    let (page, only) = (listing.page(), listing.only());
    let wanted = |it: &&Delivery| only != "failed" || !it.is_delivered();
    let (count, mut shown) = {
        let ring = shared.deliveries.lock();
        let found = ring.iter().filter(wanted).skip((page - 1).saturating_mul(PAGE));
        (ring.count(), found.take(PAGE + 1).cloned().collect::<Vec<_>>())
    };
    let has_more = shown.len() > PAGE;
    shown.truncate(PAGE);
    let waiting = world.untold();
    let told = world.workspaces().iter().any(|it| it.webhook.is_some());
    let body = html! {
        div.head { h1 { "Webhooks" } @if waiting > 0 { (parts::badge("live", &format!("{} on their way", parts::count(waiting)))) } }
        p.lead { "Every attempt to deliver a " code { "call.ended" } " event, newest first. The last thousand are kept." }
        (requests::filters("/webhooks", only, &[("", "All"), ("failed", "Failed")]))
        @if shown.is_empty() {
            @if told {
                (parts::nothing("No deliveries", "One is made as soon as a call ends."))
            } @else {
                (parts::nothing("No webhook is set", "Start the sandbox with a webhook URL and secret to have it told of ended calls."))
            }
        } @else {
            div.panel.flush {
                div.scroll tabindex="0" role="region" aria-label="Deliveries" {
                    table.rows {
                        thead { tr {
                            th scope="col" { "Event" } th scope="col" { "Answer" }
                            th.wide.count scope="col" { "Attempt" } th.wide scope="col" { "Next attempt" }
                            th.wide.count scope="col" { "Took" } th scope="col" { "At" }
                        } }
                        tbody {
                            @for it in &shown {
                                tr id={ "delivery-" (it.id) } {
                                    td { a.row-link href={ "/webhooks/" (it.id) } { code { (short(&it.event_id)) } } }
                                    td { (requests::answer(it.status)) }
                                    td.wide.count { (it.attempt) }
                                    td.wide {
                                        @if let Some(next) = it.next_attempt_at { (parts::moment(next, &zone)) }
                                        @else { span.quiet { "–" } }
                                    }
                                    td.wide.count { (requests::milliseconds(it.seconds)) }
                                    td { (parts::moment(it.at, &zone)) }
                                }
                            }
                        }
                    }
                }
            }
            (requests::pager("/webhooks", only, page, has_more))
        }
    };
    let page = Page {
        place: Place::Webhooks,
        title: "Webhooks".to_owned(),
        above: Vec::new(),
        body,
        spoken: format!("{count} attempts so far"),
    };
    page.response(&shared, &held, &asked)
}

fn short(event: &str) -> String {
    let mut short: String = event.chars().take(14).collect();
    short.push('…');
    short
}

pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<u64>,
    asked: Asked,
) -> Response {
    let held = shared.engine.lock();
    let Some(it) = shared.deliveries.lock().get(id).cloned() else {
        return layout::missing(&shared, &held, &asked, "delivery, or it is kept no more");
    };
    let call = held.world().calls().get(it.call).map(|call| call.id);
    let body = html! {
        div.head {
            h1 { "Delivery " (it.id) " " (requests::answer(it.status)) }
            form.actions method="post" action={ "/webhooks/" (it.id) "/resend" } data-quiet {
                (layout::way_back(&asked))
                button.primary { "Send again" }
            }
        }
        @if let Some(problem) = &it.problem {
            div.why.retry { p.why-title { "Not delivered" } p { (parts::text(&asked, problem)) } }
        }
        section.panel aria-labelledby="facts" {
            h2 id="facts" { "Delivery" }
            dl.facts {
                div { dt { "Event id" } dd { (parts::copied("event-id", &it.event_id)) } }
                @if let Some(call) = call {
                    div { dt { "Call" } dd { a href={ "/calls/" (call) } { code { (parts::short_id(call)) } } } }
                }
                div { dt { "To" } dd { code { (it.method) " " (it.url) } } }
                div { dt { "Attempt" } dd { (it.attempt) } }
                div { dt { "At" } dd { (parts::full_moment(it.at, &layout::zone(&held))) } }
                div { dt { "Took" } dd { (requests::milliseconds(it.seconds)) } }
                @if let Some(next) = it.next_attempt_at {
                    div { dt { "Next attempt" } dd { (parts::full_moment(next, &layout::zone(&held))) } }
                }
            }
        }
        section.panel aria-labelledby="headers" {
            h2 id="headers" { "Headers" }
            (headers(&it, &asked))
        }
        div.twin {
            (requests::text("request-body", "Request body", &it.request_body, &asked))
            (requests::text("response-body", "Answer", &it.response_body, &asked))
        }
    };
    let page = Page {
        place: Place::Webhooks,
        title: format!("Delivery {id}"),
        above: vec![("/webhooks".to_owned(), "Webhooks".to_owned())],
        body,
        spoken: String::new(),
    };
    page.response(&shared, &held, &asked)
}

fn headers(it: &Delivery, _: &Asked) -> Markup {
    html! {
        dl.facts.wide-names {
            @for (name, value) in &it.request_headers {
                div { dt { code { (name) } } dd { code { (value) } } }
            }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Resend {
    back: String,
}

pub(super) async fn resend(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<u64>,
    Form(form): Form<Resend>,
) -> Response {
    let call = shared.deliveries.lock().get(id).map(|it| it.call);
    let gone =
        || Error::invalid("delivery", "it is kept no more; its call may be told of from Python");
    let done = call.ok_or_else(gone).and_then(|call| shared.engine.resend(call));
    asked::back(&form.back, done.map(|()| "It is sent again, under the same id."))
}
