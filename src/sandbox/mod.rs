//! The service in miniature.
//!
//! | part | is |
//! | --- | --- |
//! | [`Config`] | what a sandbox is told |
//! | [`state`] | the campaign, its records and calls: pure |
//! | [`runner`] | what happens next, and when: pure, clock and randomness passed in |
//! | `validate` | a push's body, or the service's 422 |
//! | `routes` | the endpoints of the reference |
//! | `webhooks` | one signed delivery for each ended call |
//! | [`Sandbox`] | all of it, on a thread of its own |

mod config;
mod routes;
pub mod runner;
mod server;
pub mod state;
mod validate;
mod webhooks;
mod words;

pub use config::{Config, DEFAULT_API_KEY, DEFAULT_CAMPAIGN_ID};
pub use server::Sandbox;
pub use webhooks::Deliveries;
