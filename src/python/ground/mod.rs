//! What a process needs: its runtime, its turns, and the shells around an operation.

pub(super) mod closed;
pub(super) mod observe;
pub(super) mod pause;
pub(super) mod process;
pub(super) mod run;
pub(super) mod task;
