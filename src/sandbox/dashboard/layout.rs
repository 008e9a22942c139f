//! What all pages have: the way to the others, the time, the last notice.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, html};

use super::asked::{self, Asked, Notice};
use super::assets::{ICON, SCRIPT, STYLE};
use super::parts::{self, Icon};
use crate::call::Person;
use crate::config::Pace;
use crate::engine::Held;
use crate::routes::Shared;

/// Which of the pages in the navigation this is, or is under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Campaigns,
    Handset,
    Webhooks,
    Requests,
    Faults,
    Barred,
}

const PLACES: [(Place, &str, &str, Icon); 6] = [
    (Place::Campaigns, "/", "Campaigns", Icon::Campaigns),
    (Place::Handset, "/handset", "Handset", Icon::Handset),
    (Place::Webhooks, "/webhooks", "Webhooks", Icon::Webhooks),
    (Place::Requests, "/requests", "Requests", Icon::Requests),
    (Place::Faults, "/faults", "Faults", Icon::Faults),
    (Place::Barred, "/do-not-call", "Do not call", Icon::Barred),
];

/// A page, whole.
pub(super) struct Page {
    pub(super) place: Place,
    pub(super) title: String,
    /// The pages it is under: where, and what they are called.
    pub(super) above: Vec<(String, String)>,
    pub(super) body: Markup,
    /// What a screen reader is told when it changes.
    pub(super) spoken: String,
}

impl Page {
    pub(super) fn response(self, shared: &Shared, held: &Held, asked: &Asked) -> Response {
        let html = self.html(shared, held, asked);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        if asked.notice.is_some() {
            let (name, value) = asked::forget();
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        (headers, html.into_string()).into_response()
    }

    fn html(&self, shared: &Shared, held: &Held, asked: &Asked) -> Markup {
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · revrag sandbox" }
                    link rel="icon" type="image/svg+xml" href=(ICON.path);
                    link rel="stylesheet" href=(STYLE.path);
                    script src=(SCRIPT.path) defer {}
                }
                body {
                    a.skip href="#main" { "Skip to the content" }
                    (side(held, asked, self.place))
                    div.page {
                        (clock(shared, held, asked))
                        main id="main" tabindex="-1" {
                            (notice(asked.notice.as_ref()))
                            p.sr role="status" id="spoken" data-calm { (self.spoken) }
                            @if !self.above.is_empty() {
                                nav.above aria-label="Breadcrumbs" {
                                    ol {
                                        @for (path, name) in &self.above {
                                            li { a href=(path) { (name) } }
                                        }
                                        li aria-current="page" { (self.title) }
                                    }
                                }
                            }
                            (self.body)
                        }
                    }
                }
            }
        }
    }
}

/// A page that is not there.
pub(super) fn missing(shared: &Shared, held: &Held, asked: &Asked, what: &str) -> Response {
    let body = html! {
        h1 { "There is no such " (what) }
        p.lead {
            "It may have been there before a reset or a restored snapshot. "
            a href="/" { "Go to the campaigns" } "."
        }
    };
    let page = Page {
        place: Place::Campaigns,
        title: format!("No such {what}"),
        above: Vec::new(),
        body,
        spoken: String::new(),
    };
    let mut response = page.response(shared, held, asked);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

/// The zone of what belongs to no campaign.
pub(super) fn zone(held: &Held) -> TimeZone {
    let first = held.world().campaigns().first();
    first.map_or(TimeZone::UTC, |first| first.calendar().zone().clone())
}

/// Where a form leads back to.
pub(super) fn way_back(asked: &Asked) -> Markup {
    html! { input type="hidden" name="back" value=(asked.path); }
}

fn side(held: &Held, asked: &Asked, place: Place) -> Markup {
    let calls = held.world().live_calls();
    let ringing = calls.filter(|call| held.world().calls()[*call].person == Person::Called).count();
    html! {
        header.side {
            a.brand href="/" {
                img src=(ICON.path) alt="" width="26" height="26";
                span { "revrag" } span.brand-kind { "sandbox" }
            }
            nav aria-label="Pages" {
                ul {
                    @for (it, path, name, icon) in PLACES {
                        li {
                            a href=(path) aria-current=[(it == place).then_some("true")] {
                                (parts::icon(icon)) span { (name) }
                                @if it == Place::Handset && ringing > 0 {
                                    span.bell { (ringing) span.sr { " ringing" } }
                                }
                            }
                        }
                    }
                }
            }
            form.numbers method="post" action="/numbers" data-quiet {
                (way_back(asked))
                button name="shown" value=(if asked.shown { "no" } else { "yes" })
                    aria-pressed=(asked.shown) {
                    (parts::icon(Icon::Eye)) span { "Show numbers" }
                }
            }
        }
    }
}

fn clock(shared: &Shared, held: &Held, asked: &Asked) -> Markup {
    let pace = match shared.engine.pace() {
        Pace::Real => "real time".to_owned(),
        Pace::Times(speed) => format!("{speed} times as fast"),
        Pace::ByHand if held.is_moving() => "moving…".to_owned(),
        Pace::ByHand => "moved by hand".to_owned(),
    };
    let by_hand = shared.engine.pace() == Pace::ByHand;
    let steps = [
        ("60", "+1 min", "one minute"),
        ("3600", "+1 hour", "one hour"),
        ("86400", "+1 day", "one day"),
    ];
    let zone = zone(held);
    let now = jiff::ZonedDateTime::new(held.now().stamp(), zone.clone());
    html! {
        section.clock aria-label="The sandbox’s time" {
            p.clock-now {
                (parts::icon(Icon::Clock))
                span.clock-time { (parts::full_moment(held.now(), &zone)) }
                span.chip { (pace) }
            }
            @if by_hand {
                form.clock-steps method="post" action="/time" data-quiet {
                    (way_back(asked))
                    @for (seconds, label, spoken) in steps {
                        button name="by" value=(seconds) aria-label={ "Move time by " (spoken) } { (label) }
                    }
                    button name="by" value="idle" { "Until idle" }
                }
                details.clock-to {
                    summary { "Move to…" }
                    form method="post" action="/time" data-quiet {
                        (way_back(asked))
                        label {
                            span { "Day and hour, " (now.strftime("%Z")) }
                            input type="datetime-local" name="to" required
                                value=(now.strftime("%Y-%m-%dT%H:%M"));
                        }
                        button.primary { "Move time" }
                    }
                }
            }
        }
    }
}

fn notice(notice: Option<&Notice>) -> Markup {
    html! {
        div id="notice" role="status" data-keep {
            @if let Some(notice) = notice {
                p.notice.refusal[notice.is_refusal] { (notice.text) }
            }
        }
    }
}
