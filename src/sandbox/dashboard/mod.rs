//! The pages at `/`: what a person needs to see while developing, and to do.
//!
//! Each page is rendered whole, here, from the world as it is. A small script asks for it again when
//! something has changed, and takes over what differs; without it, the pages work by reloading.
//!
//! | file | is |
//! | --- | --- |
//! | `policy` | who may look, and what a browser may do with what it gets |
//! | `asked` | what a request says besides its path: masked or not, the notice to show |
//! | `layout` | what all pages have: navigation, the time, the notice |
//! | `parts` | what many have: numbers, moments, badges |
//! | `chart` | records by status over time |
//! | `campaigns` | the first page: all campaigns |
//! | `campaign` | a campaign: counts, chart, its latest calls |
//! | `gates` | what its gates say now, and why nobody is being called |
//! | `settings` | how it is set, and requests to copy |
//! | `records`, `search` | its records |
//! | `record`, `timeline` | a record, and what became of it |
//! | `call` | a call: what was said, and its recording |
//! | `handset` | the person who is called |
//! | `barred` | the Do-Not-Call list |
//! | `deliveries` | webhook deliveries, and sending again |
//! | `requests` | the log of requests |
//! | `faults` | what goes wrong on order |
//! | `orders` | what the buttons do |
//! | `live` | tells open pages that something has changed |
//! | `assets` | the stylesheet, the script, the icon |

mod asked;
mod assets;
mod barred;
mod call;
mod campaign;
mod campaigns;
mod chart;
mod deliveries;
mod faults;
mod gates;
mod handset;
mod layout;
mod live;
mod orders;
mod parts;
mod policy;
mod record;
mod records;
mod requests;
mod search;
mod settings;
mod timeline;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::{get, post};

use super::routes::Shared;

/// No form of the dashboard is longer.
const MOST_FORM: usize = 64 << 10;

/// The pages, and what their buttons do.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(campaigns::page))
        .route("/campaigns/{campaign}", get(campaign::page))
        .route("/campaigns/{campaign}/status", post(orders::status))
        .route("/campaigns/{campaign}/settings", get(settings::page))
        .route("/campaigns/{campaign}/records", get(records::page))
        .route("/campaigns/{campaign}/records/{record}", get(record::page))
        .route("/calls/{call}", get(call::page))
        .route("/handset", get(handset::page).post(handset::play))
        .route("/handset/{call}", post(handset::act))
        .route("/do-not-call", get(barred::page).post(barred::change))
        .route("/webhooks", get(deliveries::page))
        .route("/webhooks/{delivery}", get(deliveries::one))
        .route("/webhooks/{delivery}/resend", post(deliveries::resend))
        .route("/requests", get(requests::page))
        .route("/requests/{request}", get(requests::one))
        .route("/faults", get(faults::page).post(faults::change))
        .route("/time", post(orders::time))
        .route("/numbers", post(orders::numbers))
        .route("/live", get(live::events))
        .route("/assets/{file}", get(assets::file))
        .layer(DefaultBodyLimit::max(MOST_FORM))
        .layer(middleware::from_fn(policy::admit))
        .with_state(shared)
}
