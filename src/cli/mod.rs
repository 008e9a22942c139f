//! The `revrag` command.
