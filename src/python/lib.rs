//! What the extension module `revrag._revrag` holds. This folder is the only place that names pyo3; the module
//! itself, in `extension`, is a package of its own.
//!
//! | floor | what stands there | what it may use |
//! | --- | --- | --- |
//! | `classes` | what a user sees, a file per class | everything below |
//! | `convert` | objects and values, errors and exceptions | `ground` |
//! | `ground` | runtime, signals, listeners, the two shells over an operation | `convert`'s errors; the snapshots that listeners are told with |

#![allow(
    clippy::doc_markdown,
    clippy::doc_link_with_quotes,
    reason = "these docs are written for Python"
)]

mod classes;
mod convert;
mod ground;

use pyo3::prelude::*;

use revrag::http::{PRODUCTION, STAGING};

/// Fills the extension module.
pub fn fill(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let leave = wrap_pyfunction!(ground::process::leave, module)?;
    module.py().import("atexit")?.call_method1("register", (leave,))?;
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add("PRODUCTION", PRODUCTION)?;
    module.add("STAGING", STAGING)?;
    module.add_class::<classes::client::Client>()?;
    module.add_class::<classes::campaign::Campaign>()?;
    module.add_class::<ground::observe::RequestEvent>()?;
    module.add_class::<classes::progress::UploadProgress>()?;
    module.add_class::<classes::report::UploadReport>()?;
    module.add_class::<classes::rejects::UploadRejects>()?;
    module.add_function(wrap_pyfunction!(classes::key::row_key, module)?)?;
    module.add_function(wrap_pyfunction!(classes::cluster::row_tokens, module)?)?;
    module.add_function(wrap_pyfunction!(classes::cluster::token_prefix, module)?)?;
    module.add_function(wrap_pyfunction!(classes::cluster::is_row_token, module)?)?;
    module.add_function(wrap_pyfunction!(classes::cluster::excluded_numbers, module)?)?;
    module.add_function(wrap_pyfunction!(ground::observe::masked, module)?)?;
    module.add_function(wrap_pyfunction!(ground::observe::unraisable, module)?)?;
    module.add_class::<classes::sandbox::Sandbox>()?;
    module.add_class::<classes::sandbox::Handset>()?;
    module.add_function(wrap_pyfunction!(classes::sandbox::run_command, module)?)?;
    module.add_class::<classes::event::WebhookEvent>()?;
    module.add_class::<classes::verifier::WebhookVerifier>()?;
    classes::models::add_to(module)?;
    ground::closed::close_all(module)
}
