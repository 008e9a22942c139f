//! The service in miniature.
//!
//! The world is pure: no I/O, no clock, no randomness. What is around it gives it time, a file and a
//! socket.
//!
//! | of the world | is |
//! | --- | --- |
//! | [`world`] | everything there is: workspaces, campaigns, calls, scripts, what is to be told |
//! | [`campaign`] | its records, and the lines they wait in |
//! | [`record`], [`call`] | what a campaign keeps of each |
//! | [`settings`] | what a campaign's dashboard sets, with all defaults |
//! | [`calendar`] | the gates that only the time opens |
//! | [`gate`] | why a record is not being called right now, and until when |
//! | [`outcome`] | how calls go: scripted, by last digits, drawn |
//! | [`runner`] | what happens next, and when |
//! | `dial`, `hangup` | placing a call; what its end does |
//! | `handset` | the person who is called, where someone plays it |
//! | [`history`] | counts over time |
//! | [`command`] | what can be asked of a world, as values |
//! | [`show`], `words` | records, calls and campaigns as the API shows them |
//! | [`post`] | what is to be told of ended calls, and when again |
//! | [`rows`], [`ranked`] | rows that stay where they are; a set that knows its n-th |
//! | `ids`, [`time`] | ids from which their number can be told; moments |
//!
//! | around it | is |
//! | --- | --- |
//! | [`Config`] | what a sandbox is told |
//! | `file`, `places` | the same from a settings file; where in it what is wrong stands |
//! | `begin` | the world that it begins with |
//! | [`engine`] | the world under way: with a clock, and with the file that keeps it |
//! | `clock`, `keep` | those two |
//! | `manage` | what whoever runs it asks of it: workspaces, webhooks, snapshots |
//! | `validate` | a push's body, or the service's 422 |
//! | `routes` | the endpoints of the reference |
//! | `openapi` | the service's OpenAPI document, made from the answers' types |
//! | `control`, `guard` | orders under `/_sandbox/`, and who may give them |
//! | [`recording`] | recordings, and links to them that expire |
//! | `dashboard` | its pages at `/` |
//! | [`fault`], [`plan`] | what may go wrong on order, and which request it happens to |
//! | `door`, `front` | the socket; what every request passes |
//! | [`requests`], [`deliveries`] | the last requests and deliveries, in a [`ring`] |
//! | `courier`, `webhooks` | the loop that runs the world and delivers; an attempt, signed |
//! | [`Sandbox`] | all of it, on a thread of its own |

mod begin;
pub mod calendar;
pub mod call;
pub mod campaign;
mod clock;
pub mod command;
mod config;
mod control;
mod courier;
mod dashboard;
pub mod deliveries;
mod dial;
mod door;
pub mod engine;
pub mod fault;
mod faults;
mod file;
mod front;
pub mod gate;
mod guard;
pub mod handset;
mod hangup;
pub mod history;
mod ids;
mod keep;
mod manage;
mod openapi;
pub mod outcome;
mod pieces;
mod places;
pub mod plan;
pub mod post;
pub mod ranked;
pub mod record;
pub mod recording;
mod refusal;
pub mod requests;
pub mod ring;
mod routes;
pub mod rows;
pub mod runner;
mod server;
pub mod settings;
pub mod show;
pub mod time;
mod validate;
mod webhooks;
mod words;
pub mod world;

pub use command::{Applied, Command};
pub use config::{Beside, Config, DEFAULT_API_KEY, DEFAULT_CAMPAIGN_ID, Pace};
pub use server::Sandbox;
pub use settings::Settings;
pub use webhooks::Tally;
