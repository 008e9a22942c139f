//! What the buttons do that are on many pages: start and stop a campaign, move time, show numbers.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Form, Path, State};
use axum::response::Response;
use serde::Deserialize;

use super::asked::{self, Asked};
use super::layout;
use crate::Command;
use crate::engine::{Held, Target};
use crate::routes::Shared;
use crate::time::{Seconds, Time};
use revrag::http::parse_id;
use revrag::{Error, Result};

/// How long a button waits for time to arrive; the page shows what is still to come.
const ARRIVES_WITHIN: Duration = Duration::from_secs(2);

/// The campaign that a path names, whoever's it is.
pub(super) fn campaign(held: &Held, id: &str) -> Option<usize> {
    let id = parse_id("campaign_id", id).ok()?;
    held.world().campaigns().iter().position(|it| it.id == id)
}

#[derive(Deserialize)]
pub(super) struct SetStatus {
    back: String,
    status: String,
}

pub(super) async fn status(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
    asked: Asked,
    Form(form): Form<SetStatus>,
) -> Response {
    let Some(campaign) = campaign(&shared.engine.lock(), &id) else {
        return layout::missing(&shared, &shared.engine.lock(), &asked, "campaign");
    };
    let done = match form.status.as_str() {
        "running" => "The campaign is running.",
        "paused" => "The campaign is paused: nobody is called, and pushes are refused.",
        "cancelled" => "The campaign is cancelled: whoever waits is not called any more.",
        _ => {
            let problem = "the dashboard sets running, paused or cancelled";
            return asked::back(&form.back, Err::<String, _>(Error::invalid("status", problem)));
        }
    };
    let command = Command::SetStatus { campaign, status: form.status };
    asked::back(&form.back, shared.engine.order(command).map(|_| done))
}

#[derive(Deserialize)]
pub(super) struct Move {
    back: String,
    by: Option<String>,
    to: Option<String>,
}

pub(super) async fn time(State(shared): State<Arc<Shared>>, Form(form): Form<Move>) -> Response {
    let target = target(&shared.engine.lock(), &form);
    let aimed = target.and_then(|target| shared.engine.aim(target));
    if let Err(error) = aimed {
        return asked::back(&form.back, Err::<String, _>(error));
    }
    let until = tokio::time::Instant::now() + ARRIVES_WITHIN;
    while !shared.engine.wait(Duration::ZERO) && tokio::time::Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let held = shared.engine.lock();
    let now = jiff::ZonedDateTime::new(held.now().stamp(), layout::zone(&held));
    let now = now.strftime("%a %-d %b, %H:%M:%S %Z");
    let word = if held.is_moving() { "Time is on its way; it is" } else { "It is now" };
    let text = format!("{word} {now}.");
    drop(held);
    asked::back(&form.back, Ok(text))
}

fn target(held: &Held, form: &Move) -> Result<Target> {
    let refuse = |problem: &str| Err(Error::invalid("time", problem));
    match (form.by.as_deref(), form.to.as_deref()) {
        (Some("idle"), _) => Ok(Target::Idle),
        (Some(seconds), _) => match seconds.parse() {
            Ok(seconds) => Ok(Target::At(held.now().after(Seconds::of(seconds)))),
            Err(_) => refuse("it is moved by whole seconds, or until idle"),
        },
        (None, Some(to)) => {
            let moment = to.parse::<jiff::civil::DateTime>().ok();
            match moment.and_then(|it| layout::zone(held).to_timestamp(it).ok()) {
                Some(moment) => Ok(Target::At(Time::from(moment))),
                None => refuse("write the day and hour as in 2026-06-01T10:00"),
            }
        }
        (None, None) => refuse("say by how much, or where to"),
    }
}

#[derive(Deserialize)]
pub(super) struct Numbers {
    back: String,
    shown: String,
}

pub(super) async fn numbers(Form(form): Form<Numbers>) -> Response {
    asked::show(&form.back, form.shown == "yes")
}
