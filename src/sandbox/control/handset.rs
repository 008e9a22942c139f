//! Orders that play the person who is called.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Answer, Name, Oops, done, name, read};
use crate::call::Person;
use crate::command::Command;
use crate::handset::{Act, call_of};
use crate::routes::Shared;

pub(super) async fn list(State(shared): State<Arc<Shared>>) -> Answer {
    let mut held = shared.engine.lock();
    held.catch_up();
    let world = held.world();
    let rows = world.handset().values().map(|number| {
        let call = call_of(world, number).map(|call| &world.calls()[call]);
        json!({
            "number": number,
            "call_id": call.map(|call| call.id),
            "is_ringing": call.is_some_and(|call| call.person == Person::Called),
            "conversation": call.map_or(&[][..], |call| &call.said),
        })
    });
    Ok(Json(rows.collect::<Value>()).into_response())
}

fn play(shared: &Shared, number: Name, on: bool) -> Answer {
    shared.engine.order(Command::Handset { number: name(number)?, on })?;
    Ok(done())
}

pub(super) async fn pick(State(shared): State<Arc<Shared>>, number: Name) -> Answer {
    play(&shared, number, true)
}

pub(super) async fn put_away(State(shared): State<Arc<Shared>>, number: Name) -> Answer {
    play(&shared, number, false)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Doing {
    act: Act,
    #[serde(default)]
    words: String,
}

pub(super) async fn act(
    State(shared): State<Arc<Shared>>,
    number: Name,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let number = name(number)?;
    let Doing { act, words } = read(&headers, &body)?;
    shared.engine.turn(|held| {
        held.catch_up();
        let call = call_of(held.world(), &number)
            .ok_or_else(|| Oops::not_found("call at the handset right now"))?;
        act.check(held.world(), call, &words)?;
        held.apply(act.command(call, &words)).map_err(Oops::from)
    })?;
    Ok(done())
}
