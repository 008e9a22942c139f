//! `revrag completions`: what completes the command in a shell.

use clap::CommandFactory as _;
use clap_complete::Shell;

use super::failure::{End, Failure};
use super::output::Out;

/// Print what completes the command in a shell.
///
/// For example: revrag completions bash > ~/.local/share/bash-completion/completions/revrag
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The shell
    shell: Shell,
}

pub(super) fn run(args: &Args, out: &mut Out<'_>) -> Result<End, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut super::Cli::command(), "revrag", &mut text);
    out.raw(&text)?;
    Ok(End::Done)
}
