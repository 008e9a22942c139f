//! Python's objects as values, values as Python's objects, errors as exceptions.

pub(super) mod attribute;
pub(super) mod delivery;
pub(super) mod errors;
pub(super) mod exclude;
pub(super) mod input;
pub(super) mod json;
pub(super) mod loads;
pub(super) mod rows;
pub(super) mod source;
