//! The signing secret: from a file, the environment or the settings, and never from an argument.

use std::path::{Path, PathBuf};

use crate::failure::{Failure, Kind};
use crate::settings::variable;
use revrag::Secret;

/// The environment variable that holds it.
const VARIABLE: &str = "REVRAG_WEBHOOK_SECRET";

/// The secret of the settings, which are read only where nothing else has one.
pub(crate) struct Configured<'a> {
    /// Whether the profile was named on the command line, and goes before the environment.
    pub(crate) is_first: bool,
    pub(crate) load: &'a dyn Fn() -> Result<Option<Secret>, Failure>,
}

/// Where the secret is.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct Place {
    /// A file with the signing secret; while rotating with one on each line, the new one first.
    /// Without it REVRAG_WEBHOOK_SECRET is used, else the settings file
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
}

impl Place {
    /// The secrets, the one that signs first; none where there is none anywhere.
    pub(crate) fn look(&self, configured: &Configured<'_>) -> Result<Option<Vec<Secret>>, Failure> {
        if let Some(path) = &self.secret_file {
            return lines_of(path).map(Some);
        }
        let own = || variable(VARIABLE).map(Secret::new);
        let found = if configured.is_first {
            (configured.load)()?.or_else(own)
        } else {
            own().map_or_else(configured.load, |secret| Ok(Some(secret)))?
        };
        Ok(found.map(|secret| vec![secret]))
    }

    /// The secrets, which there have to be.
    pub(crate) fn read(&self, configured: &Configured<'_>) -> Result<Vec<Secret>, Failure> {
        self.look(configured)?.ok_or_else(|| {
            Failure::flag(
                "secret_file",
                "there is no signing secret; name a file that holds it, set the environment variable \
                 REVRAG_WEBHOOK_SECRET, or write webhook_secret into the settings file",
            )
        })
    }

    /// The same to sign with: one that nobody has signs for nobody.
    pub(crate) fn read_to_sign(&self, configured: &Configured<'_>) -> Result<Vec<Secret>, Failure> {
        let secrets = self.read(configured)?;
        if secrets.iter().any(Secret::is_padded) {
            let problem = "the signing secret has blanks or line ends around it; no endpoint that takes it as \
                           it is meant would accept what is signed: strip it in REVRAG_WEBHOOK_SECRET, or \
                           in the settings file";
            return Err(Failure::Told(Kind::Usage, problem.to_owned()));
        }
        Ok(secrets)
    }
}

fn lines_of(path: &Path) -> Result<Vec<Secret>, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let lines = text.lines().map(|line| Secret::new(Secret::new(line).bare()));
    let secrets: Vec<_> = lines.filter(|line| !line.expose().is_empty()).collect();
    if secrets.is_empty() {
        return Err(Failure::flag("secret_file", format!("{}: it is empty", path.display())));
    }
    Ok(secrets)
}
