//! The extension module `revrag._revrag`: the only place that names pyo3.

#![allow(
    clippy::doc_markdown,
    clippy::doc_link_with_quotes,
    reason = "these docs are written for Python"
)]

mod attribute;
mod campaign;
mod client;
mod closed;
mod delivery;
mod errors;
mod event;
mod input;
mod json;
mod loads;
mod models;
mod observe;
mod pause;
mod process;
mod progress;
mod report;
mod rows;
mod run;
mod sandbox;
mod source;
mod upload;
mod verifier;

use pyo3::prelude::*;

use crate::http::{PRODUCTION, STAGING};

/// Bodies of many sizes come and go between threads, which the system's allocator takes its time over.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[pymodule]
fn _revrag(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let leave = wrap_pyfunction!(process::leave, module)?;
    module.py().import("atexit")?.call_method1("register", (leave,))?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("PRODUCTION", PRODUCTION)?;
    module.add("STAGING", STAGING)?;
    module.add_class::<client::Client>()?;
    module.add_class::<campaign::Campaign>()?;
    module.add_class::<observe::RequestEvent>()?;
    module.add_class::<progress::UploadProgress>()?;
    module.add_class::<report::UploadReport>()?;
    module.add_function(wrap_pyfunction!(observe::masked, module)?)?;
    module.add_function(wrap_pyfunction!(observe::unraisable, module)?)?;
    module.add_class::<sandbox::Sandbox>()?;
    module.add_function(wrap_pyfunction!(sandbox::run_command, module)?)?;
    module.add_class::<event::WebhookEvent>()?;
    module.add_class::<verifier::WebhookVerifier>()?;
    models::add_to(module)?;
    closed::close_all(module)
}
