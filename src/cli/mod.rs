//! The `revrag` command: a file per subcommand, one place that prints an error.

mod sandbox;

use std::ffi::OsString;
use std::io::Write;

use clap::{Parser, Subcommand};

use crate::Error;

/// Push leads into RevRag voice campaigns, follow them, and verify the webhooks that come back.
#[derive(Debug, Parser)]
#[command(name = "revrag", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Sandbox(sandbox::Args),
}

/// Why a command failed.
enum Failure {
    /// Something the caller asked for.
    Asked(Error),
    /// Something the machine refused.
    Io(std::io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Asked(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

/// Runs the command; its exit code: 0 done, 1 failed, 2 wrong usage.
pub fn run(
    args: impl IntoIterator<Item = OsString>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> i32 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let help = !error.use_stderr();
            let text = error.render().to_string();
            let _ =
                if help { out.write_all(text.as_bytes()) } else { err.write_all(text.as_bytes()) };
            return error.exit_code();
        }
    };
    let result = match cli.command {
        Command::Sandbox(args) => sandbox::run(args, out),
    };
    match result {
        Ok(()) => 0,
        Err(Failure::Asked(Error::InvalidArgument { argument, problem })) => {
            let flag = argument.replace('_', "-");
            let _ = writeln!(err, "revrag: --{flag}: {problem}");
            2
        }
        Err(Failure::Asked(error)) => {
            let _ = writeln!(err, "revrag: {error}");
            1
        }
        Err(Failure::Io(error)) => {
            let _ = writeln!(err, "revrag: {error}");
            1
        }
    }
}
