//! The `revrag` command: a file per subcommand, one place that prints an error.
//!
//! | file | does |
//! | --- | --- |
//! | `settings` | the settings file and its profiles |
//! | `connect` | the client: flags, environment, settings |
//! | `output` | tables and colours for people, JSON for programs |
//! | `failure` | what is said of a failure, and the exit code |
//! | `session` | the runtime, and Ctrl-C |
//! | `sink`, `columns` | rows as a table, as CSV, as JSON lines, in files |
//! | `moment` | moments and spans as people write them |

#![allow(clippy::doc_markdown, reason = "help texts are no Markdown")]

mod call;
mod calls;
mod columns;
mod completions;
mod connect;
mod doctor;
mod failure;
mod init;
mod listen;
mod moment;
mod output;
mod push;
mod record;
mod records;
mod sandbox;
mod session;
mod settings;
mod sink;
mod status;
mod watch;
mod webhook;

use std::ffi::OsString;
use std::io::{self, BufWriter, Write};

use clap::{Parser, Subcommand};

pub use output::Console;

use failure::{End, Failure};
use output::{Look, Out};

/// Push leads into RevRag voice campaigns, follow them, and verify the webhooks that come back.
///
/// The API key comes from REVRAG_API_KEY or from a settings file, never from an argument.
#[derive(Debug, Parser)]
#[command(
    name = "revrag",
    version,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "Exit codes:
  0    done
  1    done in part: rows were rejected, invalid or unknown, or the service failed on them; calls
       are missing; a wait ended before all was done; a delivery or an endpoint failed its check
  2    a flag, a setting or a file can't be used, or is in use
  3    the service refused
  4    no connection
  130  interrupted, or answered with no"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    look: Look,
}

#[derive(Debug, Subcommand)]
enum Command {
    Push(Box<push::Args>),
    Status(status::Args),
    Watch(watch::Args),
    Records(records::Args),
    Record(record::Args),
    Calls(calls::Args),
    Call(call::Args),
    Listen(Box<listen::Args>),
    Doctor(doctor::Args),
    Webhook(webhook::Args),
    Sandbox(sandbox::Args),
    Init(init::Args),
    Completions(completions::Args),
}

impl Command {
    fn run(self, out: &mut Out<'_>) -> Result<End, Failure> {
        match self {
            Self::Push(args) => push::run(&args, out),
            Self::Status(args) => status::run(&args, out),
            Self::Watch(args) => watch::run(&args, out),
            Self::Records(args) => records::run(&args, out),
            Self::Record(args) => record::run(&args, out),
            Self::Calls(args) => calls::run(&args, out),
            Self::Call(args) => call::run(&args, out),
            Self::Listen(args) => listen::run(&args, out),
            Self::Doctor(args) => doctor::run(&args, out),
            Self::Webhook(args) => webhook::run(args, out),
            Self::Sandbox(args) => sandbox::run(args, out),
            Self::Init(args) => init::run(&args, out),
            Self::Completions(args) => completions::run(&args, out),
        }
    }
}

/// Runs the command on the streams of this process; its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> i32 {
    let (mut out, mut err) = (io::stdout(), io::stderr());
    let mut console = Console::of_process(&mut out, &mut err);
    if console.out_is_terminal {
        return run(args, console);
    }
    // Line by line, a long listing would take its time.
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout());
    console.out = &mut out;
    run(args, console)
}

/// Runs the command; its exit code: 0 done, 1 in part, 2 wrong usage, 3 the service
/// refused, 4 no connection, 130 interrupted.
pub fn run(args: impl IntoIterator<Item = OsString>, console: Console<'_>) -> i32 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => return told(&error, console),
    };
    let mut out = Out::new(console, cli.look);
    // What was sent stays sent, whether or not somebody takes the receipt.
    let stands = matches!(&cli.command, Command::Push(args) if args.sends());
    let done = cli.command.run(&mut out).and_then(|end| match out.flush() {
        Err(error) if !stands => Err(error.into()),
        _ => Ok(end),
    });
    match done {
        Ok(end) => end.code(),
        Err(failure) => failure.tell(&mut out),
    }
}

/// Shows help, the version, or what is wrong with the arguments.
#[allow(clippy::needless_pass_by_value, reason = "it is the last that is done with it")]
fn told(error: &clap::Error, console: Console<'_>) -> i32 {
    let is_error = error.use_stderr();
    let (stream, is_terminal): (&mut dyn Write, _) = if is_error {
        (console.err, console.err_is_terminal)
    } else {
        (console.out, console.out_is_terminal)
    };
    let has_colour = is_terminal && settings::variable("NO_COLOR").is_none();
    let text = error.render();
    let text = if has_colour { text.ansi().to_string() } else { text.to_string() };
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
    error.exit_code()
}
