//! `revrag init`: a settings file to fill in.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::json;

use super::failure::{End, Failure, Kind};
use super::output::Out;
use super::settings;

/// Make a settings file to fill in, which only you can read.
///
/// It is made where REVRAG_CONFIG says, else at ~/.config/revrag/config.toml. One that is there is left alone.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print it, make nothing
    #[arg(long)]
    print: bool,
}

pub(super) fn run(args: &Args, out: &mut Out<'_>) -> Result<End, Failure> {
    if args.print {
        out.raw(TEMPLATE.as_bytes())?;
        return Ok(End::Done);
    }
    let path = settings::path().ok_or_else(|| {
        let problem = "there is no home folder to make it in; name a file in REVRAG_CONFIG";
        Failure::Told(Kind::Usage, problem.to_owned())
    })?;
    make(&path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            let path = path.display();
            Failure::Told(Kind::Usage, format!("{path} is there already, and is left as it is"))
        }
        _ => Failure::file(&path, &error),
    })?;
    if out.is_json() {
        out.json(&json!({"path": path.to_string_lossy()}))?;
    } else {
        out.line(format_args!("{}", path.display()))?;
        out.say("Write your API key and the campaign's id into it, then try: revrag status");
    }
    Ok(End::Done)
}

/// Makes the file, never in the place of another, and for its owner alone from the first moment.
fn make(path: &Path) -> io::Result<()> {
    let folder = path.parent().map(PathBuf::from).filter(|folder| !folder.as_os_str().is_empty());
    if let Some(folder) = folder {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(TEMPLATE.as_bytes())?;
    file.sync_all()
}

const TEMPLATE: &str = r#"# Settings of the revrag command. It holds keys: keep it readable by you alone (chmod 600).
#
# What is taken, the first that is there: a flag; the profile that --profile names; the environment
# (REVRAG_API_KEY, REVRAG_BASE_URL, REVRAG_CAMPAIGN_ID); a revrag.toml in the folder at hand, which may
# hold campaign_id and profile alone; a profile.

# The profile that is taken where neither --profile nor REVRAG_PROFILE names one.
# profile = "default"

[profiles.default]
# Issued for your workspace.
# api_key = ""

# On the campaign's Settings tab in the dashboard.
# campaign_id = "11111111-1111-1111-1111-111111111111"

# The service, if it is another than production.
# base_url = "https://api.revrag.ai"

# Signs webhooks.
# webhook_secret = ""

# A proxy, or "none" whatever the environment says.
# proxy = "http://proxy.example:3128"

# A PEM file of certificates to trust beside the platform's.
# ca_bundle = "/etc/ssl/company.pem"

# Seconds that each try of a request may take.
# timeout = 30.0

# revrag status --profile staging
# [profiles.staging]
# api_key = ""
# base_url = "https://staging-api.revrag.ai"
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_read_with_and_without_its_comments() {
        let uncommented = |line: &'static str| {
            let setting = line.strip_prefix("# ");
            setting.filter(|it| it.contains(" = ") || it.starts_with('[')).unwrap_or(line)
        };
        let filled = TEMPLATE.lines().map(uncommented).collect::<Vec<_>>().join("\n");
        for text in [TEMPLATE, &filled] {
            settings::check(text).unwrap();
        }
    }
}
