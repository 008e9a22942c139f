//! `revrag calls`: the calls of many records.

use tokio::task::JoinSet;
use uuid::Uuid;

use super::connect::{CampaignChoice, Connection};
use super::failure::{End, Failure, Kind};
use super::moment::Since;
use super::output::Out;
use super::session;
use super::sink::{Place, Sink};
use revrag::Error;
use revrag::http::{Client, Listing, RecordsQuery, parse_id};
use revrag::model::{Call, Document, Record};

/// Fetch the calls of a campaign's records, with their transcripts.
///
/// Those of the records that are named, else of all records, or of all of a status. A table at a terminal, CSV in
/// a pipe; with --json a line for each, as the service has it. A call that the service does not find is told of, and
/// does not end it.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Run ids of records [default: all records]
    run_ids: Vec<String>,
    /// Only calls of records of a status
    #[arg(long, value_name = "STATUS", conflicts_with = "run_ids")]
    status: Option<String>,
    /// Only calls of records that changed since: a time ago (30m, 2h, 1d), or a moment
    #[arg(long, value_name = "WHEN")]
    since: Option<Since>,
    /// The most that are fetched
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<u64>,
    /// Requests at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=100))]
    concurrency: u16,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    campaign: CampaignChoice,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(args: &Args, out: &mut Out<'_>) -> Result<End, Failure> {
    let runs: Vec<Uuid> =
        args.run_ids.iter().map(|id| parse_id("RUN_ID", id)).collect::<Result<_, _>>()?;
    let connected = args.connection.client()?;
    let campaign = args.campaign.of(&connected.settings)?;
    let client = connected.client;
    let mut fetch = Fetch {
        client: client.clone(),
        width: usize::from(args.concurrency),
        left: args.limit.unwrap_or(u64::MAX),
        out: JoinSet::new(),
        sink: args.place.open::<Call>(out)?,
        count: 0,
        missing: 0,
    };
    session::finish(async {
        if runs.is_empty() {
            let mut listing =
                Listing::new(&client, campaign, RecordsQuery::all(args.status.clone()));
            while fetch.left > 0
                && let Some(page) = listing.next(None).await?
            {
                let records: Vec<_> = page.into_records().collect();
                fetch.calls_of(&records, args.since, out).await?;
            }
        } else {
            for runs in runs.chunks(fetch.width) {
                let asked = runs.iter().map(|run| {
                    let (client, run) = (client.clone(), *run);
                    tokio::spawn(async move { client.record(campaign, run).await })
                });
                let asked: Vec<_> = asked.collect();
                let mut records = Vec::with_capacity(asked.len());
                for record in asked {
                    match record.await.map_err(std::io::Error::other)? {
                        Ok(record) => records.push(record),
                        Err(error) => fetch.miss("a record", &error, out)?,
                    }
                }
                fetch.calls_of(&records, args.since, out).await?;
            }
        }
        while fetch.land(out).await? {}
        Ok(())
    })?;
    let (count, missing) = (fetch.count, fetch.missing);
    fetch.sink.end::<Call>(count, out)?;
    Ok(if missing > 0 { End::Partly } else { End::Done })
}

/// Calls on their way.
struct Fetch {
    client: Client,
    width: usize,
    left: u64,
    out: JoinSet<(Uuid, Result<Document<Call>, Error>)>,
    sink: Sink,
    count: u64,
    missing: u64,
}

impl Fetch {
    async fn calls_of(
        &mut self,
        records: &[Document<Record>],
        since: Option<Since>,
        out: &mut Out<'_>,
    ) -> Result<(), Failure> {
        let is_wanted = |record: &&Document<Record>| {
            since.is_none_or(|Since(since)| record.updated_at.is_none_or(|at| at.0 >= since))
        };
        for record in records.iter().filter(is_wanted) {
            for attempt in record.call_history.iter() {
                let id = attempt.call_id.as_deref().and_then(|id| Uuid::try_parse(id).ok());
                // One without an id has not begun.
                let Some(id) = id else { continue };
                if self.left == 0 {
                    return Ok(());
                }
                self.left -= 1;
                while self.out.len() >= self.width {
                    self.land(out).await?;
                }
                let client = self.client.clone();
                self.out.spawn(async move { (id, client.call(id).await) });
            }
        }
        Ok(())
    }

    /// Takes in the next call that comes; false once there is none.
    async fn land(&mut self, out: &mut Out<'_>) -> Result<bool, Failure> {
        let Some(landed) = self.out.join_next().await else { return Ok(false) };
        let (id, call) = landed.map_err(std::io::Error::other)?;
        match call {
            Ok(call) => {
                self.count += 1;
                self.sink.add(&[call], out)?;
            }
            Err(error) => self.miss(&format!("call {id}"), &error, out)?,
        }
        Ok(true)
    }

    /// What is missing alone is told of; a service that answers nobody ends it.
    fn miss(&mut self, what: &str, error: &Error, out: &mut Out<'_>) -> Result<(), Failure> {
        let is_alone = matches!(error, Error::InvalidResponse { .. })
            || matches!(error, Error::Status(refusal) if !matches!(refusal.status, 401 | 403));
        if !is_alone || Kind::of(error) == Kind::Connection {
            return Err(error.clone().into());
        }
        self.missing += 1;
        out.say(format_args!("revrag: {what}: {error}"));
        Ok(())
    }
}
