//! How a campaign is set, its gates, and requests to copy.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde_json::{Map, Value, json};

use super::asked::Asked;
use super::campaign::{Tab, head};
use super::layout::{self, Page, Place};
use super::{gates, orders, parts};
use crate::campaign::Campaign;
use crate::outcome::Outcome;
use crate::routes::Shared;
use crate::world::Workspace;

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
    let workspace = &world.workspaces()[it.workspace];
    let base = shared.links.base();
    let key = workspace.api_key.expose();
    let body = html! {
        (head(it, &asked, Tab::Settings))
        (gates::panel(&gates::why(world, index)))
        section.panel aria-labelledby="ids" {
            h2 id="ids" { "To call the API with" }
            dl.facts {
                div { dt { "Campaign id" } dd { (parts::copied("campaign-id", &it.id.to_string())) } }
                div { dt { "API key" } dd { (parts::copied("api-key", key)) } }
                div { dt { "Base URL" } dd { (parts::copied("base-url", base)) } }
                div { dt { "Agent’s variables" } dd {
                    @if it.settings().variables.is_empty() { span.quiet { "None" } }
                    @for name in &it.settings().variables { code.chip { (name) } " " }
                } }
            }
        }
        section.panel aria-labelledby="push" {
            h2 id="push" { "Push a record" }
            (parts::block("curl", "curl", &curl(it, base, key)))
            (parts::block("python", "Python", &python(it, base, key)))
        }
        section.panel aria-labelledby="gates" {
            h2 id="gates" { "Gates" }
            (gates::table(world, index))
        }
        (rules(it, workspace, &asked))
    };
    let page = Page {
        place: Place::Campaigns,
        title: "Settings".to_owned(),
        above: vec![
            ("/".to_owned(), "Campaigns".to_owned()),
            (parts::campaign_path(it), it.settings().name.clone()),
        ],
        body,
        spoken: String::new(),
    };
    page.response(&shared, &held, &asked)
}

/// A record as a person would push it.
fn example(it: &Campaign) -> Value {
    let named = it.settings().variables.iter();
    let variables: Map<_, _> = named
        .map(|name| {
            let value = if name == "first_name" { "Pankaj" } else { "…" };
            (name.clone(), Value::from(value))
        })
        .collect();
    json!({"phone_number": "+919876543210", "variables": variables})
}

fn curl(it: &Campaign, base: &str, key: &str) -> String {
    let body = serde_json::to_string_pretty(&json!({"records": [example(it)]}));
    let body = quoted(&body.unwrap_or_default());
    let (id, key) = (it.id, quoted(&format!("X-API-Key: {key}")));
    format!(
        "curl -X POST \\\n  \"{base}/v1/campaigns/{id}/records/push-bulk\" \\\n  -H {key} \\\n  \
         -H 'Content-Type: application/json' \\\n  -d {body}"
    )
}

/// In single quotes, as a shell reads them.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn python(it: &Campaign, base: &str, key: &str) -> String {
    let literal = |text: &str| serde_json::to_string(text).unwrap_or_default();
    let (id, key, base) = (it.id, literal(key), literal(base));
    let record = example(it);
    format!(
        "from revrag import Client\n\nclient = Client({key}, base_url={base})\n\
         campaign = client.campaign(\"{id}\")\npushed = campaign.push([{record}])\n\
         print(campaign.wait(pushed.results[0].run_id).status)"
    )
}

fn rules(it: &Campaign, workspace: &Workspace, asked: &Asked) -> Markup {
    let settings = it.settings();
    let retried = settings.retry_on.iter().map(|it| it.as_str().replace('_', " "));
    let retried: Vec<_> = retried.collect();
    let shares = settings.outcomes.iter().map(|(outcome, share)| (*outcome, *share));
    let shares: Vec<_> = [(Outcome::Failed, settings.failure_rate)]
        .into_iter()
        .chain(shares)
        .filter(|(_, share)| *share > 0.0)
        .map(|(outcome, share)| {
            format!("{} % {}", (share * 1000.0).round() / 10.0, outcome.as_str().replace('_', " "))
        })
        .collect();
    html! {
        section.panel aria-labelledby="rules" {
            h2 id="rules" { "Rules" }
            dl.facts.two {
                div { dt { "Time zone" } dd { (settings.timezone) } }
                div { dt { "Attempts" } dd { "At most " (settings.max_attempts) } }
                div { dt { "Tried again after" } dd {
                    @if settings.max_attempts < 2 || retried.is_empty() { "Nothing" }
                    @else { (retried.join(", ")) }
                } }
                div { dt { "Retry" } dd { "After " (parts::length(settings.retry_delay)) } }
                div { dt { "Callback" } dd {
                    "After " (parts::length(settings.callback_delay)) ", at most " (settings.max_callbacks)
                } }
                div { dt { "Follow-up" } dd {
                    "After " (parts::length(settings.follow_up_delay)) ", at most " (settings.max_follow_ups)
                } }
                div { dt { "From push to call" } dd { (parts::length(settings.dispatch_after)) } }
                div { dt { "A call lasts" } dd { (parts::length(settings.call_duration)) } }
                div { dt { "Drawn outcomes" } dd {
                    @if shares.is_empty() { "All completed" } @else { (shares.join(", ")) ", else completed" }
                } }
                div { dt { "Calls from" } dd { (parts::number(asked, &settings.from_number)) } }
                div { dt { "Agent id" } dd { code { (settings.agent_id) } } }
                div { dt { "Webhook" } dd {
                    @match &workspace.webhook {
                        Some(webhook) => { code { (webhook.url) } }
                        None => { span.quiet { "None: nobody is told of ended calls" } }
                    }
                } }
            }
        }
    }
}
