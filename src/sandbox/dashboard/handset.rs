//! The handset: a person plays those who are called.

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::asked::{self, Asked};
use super::layout::{self, Page, Place};
use super::{call, parts};
use crate::Command;
use crate::call::{Call, Person};
use crate::handset::{Act, MOST_WORDS};
use crate::routes::Shared;
use crate::world::World;
use revrag::http::parse_id;
use revrag::{Error, Result};

pub(super) async fn page(State(shared): State<Arc<Shared>>, asked: Asked) -> Response {
    let held = shared.engine.lock();
    let world = held.world();
    let live = world.live_calls().map(|index| &world.calls()[index]);
    let live: Vec<_> = live.filter(|call| call.person != Person::No).collect();
    let ringing = live.iter().filter(|call| call.person == Person::Called).count();
    let body = html! {
        div.head { h1 { "Handset" } }
        p.lead {
            "Play the person who is called. Calls to a number below ring here for 45 seconds of the "
            "sandbox’s time, and nobody else answers them."
        }
        @if !live.is_empty() {
            ul.phones { @for call in &live { li { (phone(world, call, &asked)) } } }
        } @else if world.handset().is_empty() {
            (parts::nothing("Nobody is played", "Add a number, then push it: its call rings here."))
        } @else {
            (parts::nothing("No call rings", "It will, as soon as the runner calls one of these numbers."))
        }
        (numbers(world, &asked))
    };
    let page = Page {
        place: Place::Handset,
        title: "Handset".to_owned(),
        above: Vec::new(),
        body,
        spoken: format!("{ringing} ringing, {} live", live.len()),
    };
    page.response(&shared, &held, &asked)
}

fn numbers(world: &World, asked: &Asked) -> Markup {
    html! {
        section.panel aria-labelledby="played" {
            h2 id="played" { "Numbers you play" }
            form.line method="post" action="/handset" data-quiet data-clear {
                (layout::way_back(asked))
                input type="hidden" name="on" value="yes";
                label {
                    span { "Phone number" }
                    input name="number" type="tel" required placeholder="+919876543210" autocomplete="off";
                }
                button.primary { "Play" }
            }
            @if !world.handset().is_empty() {
                ul.lines {
                    @for number in world.handset().values() {
                        li {
                            (parts::number(asked, number))
                            form method="post" action="/handset" data-quiet {
                                (layout::way_back(asked))
                                input type="hidden" name="number" value=(number);
                                button.small-button name="on" value="no" {
                                    "Stop" span.sr { " playing " (parts::number(asked, number)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn phone(world: &World, it: &Call, asked: &Asked) -> Markup {
    let campaign = &world.campaigns()[it.campaign as usize];
    let entry = &campaign.records()[it.record as usize];
    let rings = it.person == Person::Called;
    html! {
        article.phone.ringing[rings] id={ "phone-" (it.id) } {
            div.card-head {
                h2 { a href={ "/calls/" (it.id) } { (parts::number(asked, &entry.phone_number)) } }
                (parts::call_badge(it))
            }
            p.quiet.small { (campaign.settings().name) " · attempt " (it.attempt) }
            @if !rings { (call::conversation(&it.said, asked)) }
            (controls(it, asked))
        }
    }
}

/// What a person at the handset can do with a live call.
pub(super) fn controls(it: &Call, asked: &Asked) -> Markup {
    let action = format!("/handset/{}", it.id);
    html! {
        @if it.person == Person::Called {
            form.actions method="post" action=(action) data-quiet {
                (layout::way_back(asked))
                button.answer name="act" value="answer" { "Answer" }
                button.danger name="act" value="decline" { "Decline" }
            }
        } @else {
            form.line.say method="post" action=(action) data-quiet data-clear {
                (layout::way_back(asked))
                input type="hidden" name="act" value="say";
                label {
                    span.sr { "What the callee says" }
                    input name="words" maxlength=(MOST_WORDS) required autocomplete="off"
                        placeholder="Say something…";
                }
                button.primary { "Say" }
            }
            form.actions method="post" action=(action) data-quiet {
                (layout::way_back(asked))
                button.danger name="act" value="hang_up" { "Hang up" }
                button name="act" value="callback" { "Ask for a callback" }
                button name="act" value="dnc" { "Never call again" }
            }
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Play {
    back: String,
    number: String,
    on: String,
}

pub(super) async fn play(State(shared): State<Arc<Shared>>, Form(form): Form<Play>) -> Response {
    let on = form.on == "yes";
    let done = shared.engine.order(Command::Handset { number: form.number, on });
    let word = if on {
        "You play this number: its calls ring at the handset."
    } else {
        "Nobody plays this number any more."
    };
    asked::back(&form.back, done.map(|_| word))
}

#[derive(Deserialize)]
pub(super) struct Doing {
    back: String,
    #[serde(rename = "act")]
    what: String,
    #[serde(default)]
    words: String,
}

pub(super) async fn act(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    Form(form): Form<Doing>,
) -> Response {
    let done = shared.engine.turn(|held| -> Result<&str> {
        let known = parse_id("call_id", &id).ok().and_then(|id| held.world().any_call(id));
        let refuse = |problem: &str| Error::invalid("call", problem);
        let call = known.ok_or_else(|| refuse("the sandbox has no such call"))?;
        let act: Act = serde_json::from_value(Value::from(form.what.as_str()))
            .map_err(|_| refuse("there is nothing like this to do with it"))?;
        let word = match act {
            Act::Answer => "You are on the line.",
            Act::Decline => "Declined: the call was busy.",
            Act::HangUp => "You hung up.",
            Act::Callback => "A callback was asked for.",
            Act::Dnc => "The number is on the Do-Not-Call list.",
            Act::Say => "Said.",
        };
        held.catch_up();
        act.check(held.world(), call, &form.words)?;
        let command = act.command(call, &form.words);
        held.apply(command).map(|_| word)
    });
    asked::back(&form.back, done)
}
