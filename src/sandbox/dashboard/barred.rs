//! The Do-Not-Call list of each workspace.

use std::sync::Arc;

use axum::extract::{Form, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use super::asked::{self, Asked};
use super::layout::{self, Page, Place};
use super::parts;
use crate::Command;
use crate::engine::Held;
use crate::routes::Shared;

/// Numbers shown; a longer list is not read by eye.
const SHOWN: usize = 500;

pub(super) async fn page(State(shared): State<Arc<Shared>>, asked: Asked) -> Response {
    let held = shared.engine.lock();
    let world = held.world();
    let count: usize = world.workspaces().iter().map(|it| it.dnc.len()).sum();
    let body = html! {
        div.head { h1 { "Do-Not-Call list" } }
        p.lead {
            "A number on the list is never called: its records become "
            code { "dnc" } ", whatever campaign of the workspace they are in."
        }
        @for workspace in 0..world.workspaces().len() { (list(&held, workspace, &asked)) }
    };
    let page = Page {
        place: Place::Barred,
        title: "Do-Not-Call list".to_owned(),
        above: Vec::new(),
        body,
        spoken: format!("{count} numbers"),
    };
    page.response(&shared, &held, &asked)
}

fn list(held: &Held, workspace: usize, asked: &Asked) -> Markup {
    let it = &held.world().workspaces()[workspace];
    let zone = layout::zone(held);
    let heading = format!("list-{workspace}");
    let several = held.world().workspaces().len() > 1;
    html! {
        section.panel aria-labelledby=(heading) {
            h2 id=(heading) {
                @if !several { "Numbers" }
                @else if it.name.is_empty() { "Workspace " (workspace + 1) }
                @else { (it.name) }
            }
            form.line method="post" action="/do-not-call" data-quiet data-clear {
                (layout::way_back(asked))
                input type="hidden" name="workspace" value=(workspace);
                input type="hidden" name="on" value="yes";
                label {
                    span { "Phone number" }
                    input name="number" type="tel" required placeholder="+919876543210" autocomplete="off";
                }
                label {
                    span { "Reason" }
                    input name="reason" value="Added by hand" autocomplete="off";
                }
                button.primary { "Add" }
            }
            @if it.dnc.is_empty() {
                (parts::nothing("The list is empty", "Callees who ask never to be called again get on it, too."))
            } @else {
                div.scroll tabindex="0" role="region" aria-label="Numbers not to call" {
                    table {
                        thead { tr {
                            th scope="col" { "Number" } th scope="col" { "Reason" }
                            th.wide scope="col" { "Since" } th scope="col" { span.sr { "Remove" } }
                        } }
                        tbody {
                            @for (key, barred) in it.dnc.iter().take(SHOWN) {
                                tr id={ "barred-" (crc32fast::hash(&key.to_le_bytes())) } {
                                    td { (parts::number(asked, &barred.number)) }
                                    td { (parts::text(asked, &barred.reason)) }
                                    td.wide { (parts::moment(barred.at, &zone)) }
                                    td.end {
                                        form method="post" action="/do-not-call" data-quiet {
                                            (layout::way_back(asked))
                                            input type="hidden" name="workspace" value=(workspace);
                                            input type="hidden" name="number" value=(barred.number);
                                            button.small-button name="on" value="no" {
                                                "Remove" span.sr { " " (parts::number(asked, &barred.number)) }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                @if it.dnc.len() > SHOWN { p.quiet.small { "The first " (SHOWN) " of " (parts::count(it.dnc.len())) "." } }
            }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Change {
    back: String,
    workspace: usize,
    number: String,
    on: String,
    #[serde(default)]
    reason: String,
}

pub(super) async fn change(
    State(shared): State<Arc<Shared>>,
    Form(form): Form<Change>,
) -> Response {
    let Change { back, workspace, number, on, reason } = form;
    let (command, word) = if on == "yes" {
        let reason = if reason.is_empty() { "Added by hand".to_owned() } else { reason };
        (Command::Bar { workspace, number, reason }, "The number is on the Do-Not-Call list.")
    } else {
        (Command::Unbar { workspace, number }, "The number is off the Do-Not-Call list.")
    };
    asked::back(&back, shared.engine.order(command).map(|_| word))
}
