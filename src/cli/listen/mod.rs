//! `revrag listen`: webhooks for an application on this machine, without a tunnel.
//!
//! | file | does |
//! | --- | --- |
//! | `poll` | looks at the campaigns: which calls there are |
//! | `sieve` | which of them are to be told of: pure |
//! | `since` | from when on: pure |
//! | `book` | what was accepted, in a SQLite file that outlives a kill |
//! | `carry` | fetches a call and delivers it, again until it is accepted |
//! | `keep` | a copy of each event, in JSON lines |
//! | `table` | what came, and what the application answered |
//! | `watch` | what is kept in mind of a campaign, and of a call that has to wait |
//! | `round` | all of it, until somebody interrupts it |

#![allow(clippy::doc_markdown, reason = "help texts are read as they stand")]

mod book;
mod carry;
mod keep;
mod poll;
mod round;
mod sieve;
mod since;
mod table;
mod watch;

use std::path::PathBuf;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use self::book::Book;
use self::round::Listener;
use super::connect::{Connected, Connection, seconds};
use super::failure::{End, Failure};
use super::output::Out;
use super::session;
use super::settings::variable;
use super::webhook::endpoint::Endpoint;
use super::webhook::secret;
use revrag::Secret;
use revrag::http::parse_id;
use revrag::webhook::Verifier;
use revrag::world::System;

/// Deliver webhooks to an application on this machine, without a tunnel
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Where the application takes webhooks, as http://localhost:8000/revrag
    #[arg(long, value_name = "URL")]
    forward_to: String,
    /// A campaign to listen to, as often as needed [env: REVRAG_CAMPAIGN_ID]
    #[arg(long = "campaign", visible_alias = "campaign-id", short = 'c', value_name = "UUID")]
    campaigns: Vec<String>,
    /// From when on: 2h, 30m, 7d, a time as 2026-05-27T03:00:00Z, or "all". By default calls that
    /// end from now on; a run that goes on with its state has no gap
    #[arg(long, value_name = "TIME")]
    since: Option<since::Since>,
    /// Only calls that ended so, as completed or failed; as often as needed
    #[arg(long = "status", value_name = "STATUS")]
    statuses: Vec<String>,
    /// Write each event to this file, too, as a line of JSON
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    interval: f64,
    /// Seconds to wait for an answer of the application
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0)]
    answer_timeout: f64,
    /// Look once, deliver what there is, and end
    #[arg(long)]
    once: bool,
    /// Forward to another machine, too: what is delivered are your customers' calls
    #[arg(long)]
    allow_remote: bool,
    /// The file in which it is kept what was accepted; by default one for each service and URL in
    /// the user's folder of states
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    #[command(flatten)]
    secret: secret::Place,
    #[command(flatten)]
    connection: Connection,
}

/// The shortest time between two looks.
const SHORTEST: Duration = Duration::from_millis(100);

pub(super) fn run(args: &Args, out: &mut Out<'_>) -> Result<End, Failure> {
    let timeout = seconds("answer_timeout", args.answer_timeout)?;
    let interval = seconds("interval", args.interval)?.max(SHORTEST);
    let endpoint = Endpoint::at("forward_to", &args.forward_to, timeout)?;
    if !endpoint.is_loopback() && !args.allow_remote {
        let problem = "it is not on this machine, and what is delivered are your customers' calls; name a \
                       loopback address, or add --allow-remote";
        return Err(Failure::flag("forward_to", problem));
    }
    let Connected { client, settings } = args.connection.client()?;
    let campaigns = campaigns(args, &settings)?;
    let path = match &args.state {
        Some(path) => path.clone(),
        None => default_path(client.config().base_url(), &args.forward_to)?,
    };
    let book = Book::open(&path)?;
    let configured = secret::Configured {
        is_first: settings.is_asked_for,
        load: &|| Ok(settings.profile.webhook_secret.clone()),
    };
    let given = args.secret.look(&configured)?;
    let is_own = given.is_none();
    let secrets = match given {
        Some(secrets) => secrets,
        None => vec![book.secret(|| generated(&System))?],
    };
    let shown = is_own.then(|| secrets[0].clone());
    let verifier = Verifier::new(secrets, Duration::ZERO, Duration::ZERO)?;
    let keeper = args.save.as_deref().map(keep::Keeper::open).transpose()?;
    let listener = Listener {
        client,
        endpoint,
        verifier,
        campaigns,
        statuses: args.statuses.iter().map(|status| status.to_lowercase()).collect(),
        since: args.since,
        interval,
        is_once: args.once,
    };
    let told = Told { state: path, secret: shown };
    let runtime = session::runtime()?;
    let done = runtime.block_on(async {
        let interrupted = std::pin::pin!(session::interruption()?);
        listener.run(book, keeper, &told, interrupted, out).await
    });
    runtime.shutdown_background();
    done
}

/// What whoever starts it has to know.
struct Told {
    state: PathBuf,
    /// The secret, where it was made here.
    secret: Option<Secret>,
}

fn campaigns(args: &Args, settings: &super::settings::Chosen) -> Result<Vec<Uuid>, Failure> {
    if args.campaigns.is_empty() {
        return Ok(vec![super::connect::CampaignChoice::default().of(settings)?]);
    }
    let ids = args.campaigns.iter().map(|id| parse_id("campaign", id));
    let mut ids = ids.collect::<Result<Vec<_>, _>>()?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// A secret that is nowhere else.
fn generated(world: &dyn revrag::world::World) -> Secret {
    let mut hash = Sha256::new();
    hash.update(world.id().as_bytes());
    hash.update(world.id().as_bytes());
    Secret::new(format!("whsec_{}", hex::encode(hash.finalize())))
}

/// The file of one service and one URL.
fn default_path(base_url: &str, forward_to: &str) -> Result<PathBuf, Failure> {
    let digest = Sha256::new()
        .chain_update(base_url)
        .chain_update(b"\0")
        .chain_update(forward_to)
        .finalize();
    let name = format!("listen-{}.sqlite", hex::encode(&digest[..6]));
    let folder = if cfg!(windows) {
        variable("LOCALAPPDATA").map(PathBuf::from)
    } else {
        let own = variable("XDG_STATE_HOME").map(PathBuf::from);
        own.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".local").join("state")))
    };
    let folder = folder.ok_or_else(|| {
        Failure::flag("state", "there is no home folder to keep it in; name a file")
    })?;
    let folder = folder.join("revrag");
    std::fs::create_dir_all(&folder).map_err(|error| Failure::file(&folder, &error))?;
    Ok(folder.join(name))
}
