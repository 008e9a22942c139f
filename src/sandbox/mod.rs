//! The service in miniature.
