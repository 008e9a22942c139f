//! The first page: all campaigns, by workspace.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};

use super::asked::Asked;
use super::layout::{Page, Place};
use super::{chart, gates, parts};
use crate::record::Status;
use crate::routes::Shared;
use crate::world::World;

pub(super) async fn page(State(shared): State<Arc<Shared>>, asked: Asked) -> Response {
    let held = shared.engine.lock();
    let world = held.world();
    let several = world.workspaces().len() > 1;
    let body = html! {
        div.head { h1 { "Campaigns" } }
        @for (place, workspace) in world.workspaces().iter().enumerate() {
            section.group aria-labelledby=[several.then(|| format!("workspace-{place}"))] {
                @if several {
                    h2 id={ "workspace-" (place) } {
                        @if workspace.name.is_empty() { "Workspace " (place + 1) } @else { (workspace.name) }
                    }
                }
                @let own: Vec<_> = own(world, place).collect();
                @if own.is_empty() {
                    (parts::nothing("No campaign", "Add one with add_campaign() or in the settings file."))
                } @else {
                    ul.cards { @for campaign in own { li { (card(world, campaign, several)) } } }
                }
            }
        }
    };
    let all: usize = world.campaigns().iter().map(|it| it.records().len()).sum();
    let live: usize = world.campaigns().iter().map(crate::campaign::Campaign::live).sum();
    let page = Page {
        place: Place::Campaigns,
        title: "Campaigns".to_owned(),
        above: Vec::new(),
        body,
        spoken: format!("{} records, {} live calls", parts::count(all), parts::count(live)),
    };
    page.response(&shared, &held, &asked)
}

fn own(world: &World, workspace: usize) -> impl Iterator<Item = usize> {
    let campaigns = world.campaigns().iter().enumerate();
    campaigns.filter(move |(_, it)| it.workspace == workspace).map(|(index, _)| index)
}

fn card(world: &World, campaign: usize, is_under_another: bool) -> Markup {
    let it = &world.campaigns()[campaign];
    let counts = Status::ALL.map(|status| (status, it.count(status)));
    let waiting =
        counts.iter().filter(|(status, _)| status.is_waiting()).map(|(_, count)| count).sum();
    let why = gates::why(world, campaign);
    let figures: [(&str, usize); 5] = [
        ("Records", it.records().len()),
        ("Waiting", waiting),
        ("Live", it.count(Status::InProgress)),
        ("Completed", it.count(Status::Completed)),
        ("Failed", it.count(Status::Failed)),
    ];
    html! {
        article.card {
            div.card-head {
                @let name = html! { a.whole href=(parts::campaign_path(it)) { (it.settings().name) } };
                @if is_under_another { h3 { (name) } } @else { h2 { (name) } }
                (parts::campaign_badge(it.status()))
            }
            p.quiet.small { (why.title) ". " (why.text) }
            (chart::bar(&counts))
            dl.figures {
                @for (name, count) in figures {
                    div { dt { (name) } dd { (parts::count(count)) } }
                }
            }
        }
    }
}
