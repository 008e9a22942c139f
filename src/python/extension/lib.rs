//! The extension module `revrag._revrag`, apart from what it holds, which so is compiled beside the core
//! instead of after it.

use pyo3::prelude::*;

/// Bodies of many sizes come and go between threads, which the system's allocator takes its time over.
/// From version 3 on, this one takes back at once what another thread lets go: before, megabytes of read
/// buffers waited for it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[pymodule]
fn _revrag(module: &Bound<'_, PyModule>) -> PyResult<()> {
    revrag_python::fill(module)
}
