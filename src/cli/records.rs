//! `revrag records`: a campaign's records.

use super::connect::{CampaignChoice, Connection};
use super::failure::{End, Failure};
use super::moment::Since;
use super::output::Out;
use super::session;
use super::sink::{Place, Sink};
use revrag::bulk::{Remote, Wanted, find};
use revrag::http::{Listing, RecordsQuery};
use revrag::model::{Document, Record};
use revrag::phone::Rules;

/// List a campaign's records.
///
/// A table at a terminal, CSV in a pipe; with --json a line for each, as the service has it. Records looked for
/// by number or id are all there are, or it is an error: the whole listing is read, and proven whole.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Only those of a status, such as queued, completed or failed
    #[arg(long, value_name = "STATUS")]
    status: Option<String>,
    /// Only those of a phone number
    #[arg(long, value_name = "NUMBER")]
    phone_number: Option<String>,
    /// Only those of a user id
    #[arg(long, value_name = "ID")]
    app_user_id: Option<String>,
    /// Only those of a session id
    #[arg(long, value_name = "ID")]
    app_session_id: Option<String>,
    /// Only those that changed since: a time ago (30m, 2h, 1d), or a moment
    #[arg(long, value_name = "WHEN")]
    since: Option<Since>,
    /// Where a number without a country code belongs
    #[arg(long, value_name = "REGION", default_value = "IN")]
    region: String,
    /// The most that are listed
    #[arg(long, short = 'n', value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    campaign: CampaignChoice,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(args: &Args, out: &mut Out<'_>) -> Result<End, Failure> {
    let connected = args.connection.client()?;
    let campaign = args.campaign.of(&connected.settings)?;
    let wanted = args.wanted()?;
    let mut sink = args.place.open::<Record>(out)?;
    let client = connected.client;
    let count = session::finish(async {
        let mut count = 0;
        if let Some(wanted) = wanted {
            let service = Remote::new(client, campaign, Some(&args.region));
            let found = find(service, &wanted).await?;
            let of_status =
                |record: &Document<Record>| args.status.is_none() || record.status == args.status;
            let found = found.into_iter().filter(of_status).collect();
            args.take(found, &mut count, &mut sink, out)?;
        } else {
            let mut listing =
                Listing::new(&client, campaign, RecordsQuery::all(args.status.clone()));
            while args.limit.is_none_or(|limit| count < limit)
                && let Some(page) = listing.next(None).await?
            {
                args.take(page.into_records().collect(), &mut count, &mut sink, out)?;
            }
        }
        Ok(count)
    })?;
    sink.end::<Record>(count, out)?;
    Ok(End::Done)
}

impl Args {
    /// What is looked for by number or id.
    fn wanted(&self) -> Result<Option<Wanted>, Failure> {
        let rules = Rules::of(&self.region)?;
        let phone_number = match &self.phone_number {
            Some(number) => {
                Some(rules.e164(number).map_err(|why| Failure::flag("phone_number", why))?)
            }
            None => None,
        };
        if phone_number.is_none() && self.app_user_id.is_none() && self.app_session_id.is_none() {
            return Ok(None);
        }
        Ok(Some(Wanted {
            app_session_id: self.app_session_id.clone(),
            app_user_id: self.app_user_id.clone(),
            phone_number,
            rules,
        }))
    }

    fn take(
        &self,
        mut records: Vec<Document<Record>>,
        count: &mut u64,
        sink: &mut Sink,
        out: &mut Out<'_>,
    ) -> Result<(), Failure> {
        if let Some(Since(since)) = self.since {
            records.retain(|record| record.updated_at.is_none_or(|at| at.0 >= since));
        }
        let left = self.limit.unwrap_or(u64::MAX).saturating_sub(*count);
        records.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        *count += records.len() as u64;
        if records.is_empty() { Ok(()) } else { sink.add(&records, out) }
    }
}
