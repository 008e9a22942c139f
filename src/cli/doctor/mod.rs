//! `revrag doctor`: what is wrong between this machine and the service, and what mends it.
//!
//! | file | holds |
//! | --- | --- |
//! | `finding` | what was found, and its remedy |
//! | `network` | what the way to the service is like |
//! | `answer` | what the service's answer means |
//! | `clock` | this machine's clock against the service's |
//! | `campaign` | what the campaign's state means |
//! | `fields` | what the service sends that this version does not know |
//!
//! All but this file is pure: values in, findings out.

mod answer;
mod campaign;
mod clock;
mod fields;
mod finding;
mod network;

use std::time::{Duration, SystemTime};

use serde_json::json;
use uuid::Uuid;

use self::finding::{Finding, Health};
use super::connect::{CampaignChoice, Connected, Connection};
use super::failure::{End, Failure, Kind};
use super::output::Out;
use super::session;
use super::settings::variable;
use revrag::http::{self, Bounds, Client, PRODUCTION, RecordsQuery, STAGING};
use revrag::model::{CampaignStatus, Document};
use revrag::{Error, Secret};

/// Look for what is wrong with key, campaign, network or clock, and say what mends it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    campaign: CampaignChoice,
    #[command(flatten)]
    connection: Connection,
}

/// What stands for a key in a client that sends none.
const NO_KEY: &str = "none";
/// Records that are read to learn what fields they have.
const SAMPLE: u32 = 20;
/// The longest that one answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

pub(super) fn run(args: &Args, out: &mut Out<'_>) -> Result<End, Failure> {
    let findings = match args.connection.client() {
        Ok(connected) => {
            let campaign = args.campaign.found(&connected.settings);
            session::finish(async { Ok(examine(&connected, campaign, true).await) })?
        }
        Err(Failure::Asked(Error::InvalidArgument { argument, problem })) => {
            let is_key = matches!(argument.as_str(), "api_key" | "REVRAG_API_KEY");
            let mut findings = vec![finding::of_settings(&argument, &problem)];
            if is_key {
                // The way to the service is worth a look all the same.
                let keyless =
                    |options: &mut http::Options| options.api_key = Some(Secret::new(NO_KEY));
                let connected = args.connection.client_with(keyless)?;
                let campaign = args.campaign.found(&connected.settings);
                findings.extend(session::finish(async {
                    Ok(examine(&connected, campaign, false).await)
                })?);
            }
            findings
        }
        Err(Failure::Told(Kind::Usage, text)) => vec![finding::of_file(text)],
        Err(other) => return Err(other),
    };
    show(&findings, out)
}

/// Everything that can be looked at from here on.
async fn examine(
    connected: &Connected,
    campaign: Result<Option<Uuid>, Failure>,
    has_key: bool,
) -> Vec<Finding> {
    let client = &connected.client;
    let mut findings = vec![service_of(client.config().base_url())];
    findings.push(webhook_secret(connected));
    let campaign = match campaign {
        Ok(campaign) => campaign,
        Err(Failure::Asked(error)) => {
            findings.push(campaign::unreadable(&error.to_string()));
            None
        }
        Err(_) => None,
    };
    findings.push(network::proxy(client.config().proxy().as_deref()));
    let steps = http::probe(client.config()).await;
    let is_passable = steps.iter().all(|step| step.outcome.is_ok());
    findings.extend(steps.iter().map(network::of));
    if !has_key || !is_passable {
        return findings;
    }
    let bounds = Bounds {
        timeout: Some(client.config().timeout().min(PATIENCE)),
        max_retries: Some(0),
        max_response_bytes: None,
    };
    match client.with_bounds(bounds) {
        Ok(client) => ask(&client, campaign, &mut findings).await,
        Err(error) => findings.push(finding::of_file(error.to_string())),
    }
    findings
}

/// Asks the service, and makes of the answers what they mean.
async fn ask(client: &Client, campaign: Option<Uuid>, findings: &mut Vec<Finding>) {
    let before = SystemTime::now();
    // Without a campaign one is asked for that nobody has: the answer tells of the key.
    let asked = client.campaign_status_dated(campaign.unwrap_or_default()).await;
    let after = SystemTime::now();
    let told = match &asked {
        Ok((_, clock)) => *clock,
        Err(error) => clock::told_by(error),
    };
    findings.extend(answer::of(asked.as_ref().map(|_| ()), campaign.is_some()));
    findings.push(clock::of(told, before, after));
    let (Ok((status, _)), Some(campaign)) = (asked, campaign) else { return };
    findings.extend(campaign::of(&status));
    look_at_fields(client, campaign, &status, findings).await;
}

async fn look_at_fields(
    client: &Client,
    campaign: Uuid,
    status: &Document<CampaignStatus>,
    findings: &mut Vec<Finding>,
) {
    let mut unknown = fields::Unknown::default();
    unknown.status(status);
    let query = RecordsQuery { status: None, page: 1, page_size: SAMPLE };
    let mut call = None;
    match client.records_page(campaign, &query).await {
        Ok(page) => call = unknown.page(&page),
        Err(error) => findings.extend(answer::of(Err(&error), true)),
    }
    if let Some(call) = call
        && let Ok(call) = client.call(call).await
    {
        unknown.call(&call);
    }
    findings.push(unknown.finding());
}

fn service_of(base_url: &str) -> Finding {
    let name = match base_url {
        PRODUCTION => "production",
        STAGING => "staging",
        _ => "neither production nor staging",
    };
    Finding::good("service", format!("{base_url} ({name})"))
}

fn webhook_secret(connected: &Connected) -> Finding {
    let own = connected.settings.profile.webhook_secret.as_ref();
    let found =
        variable("REVRAG_WEBHOOK_SECRET").or_else(|| own.map(|secret| secret.expose().to_owned()));
    finding::of_webhook_secret(found.as_deref())
}

/// How wide the health and the subject of a finding are, in front of what is said of it.
const HEAD: usize = 21;

fn show(findings: &[Finding], out: &mut Out<'_>) -> Result<End, Failure> {
    for finding in findings {
        if out.is_json() {
            out.json(finding)?;
            continue;
        }
        let health = format!("{:<5}", finding.health.as_str());
        let health = match finding.health {
            Health::Good => out.good(health),
            Health::Doubtful => out.doubtful(health),
            Health::Bad(_) => out.bad(health),
            Health::Unknown => out.faint(health),
        };
        let said = out.words(&finding.said);
        let head = format!("{health}  {:<12}  ", finding.subject);
        out.hanging(&head, HEAD, &said)?;
        if let Some(remedy) = &finding.remedy {
            out.hanging(&" ".repeat(HEAD), HEAD, remedy)?;
        }
    }
    let worst = findings.iter().find_map(|finding| match finding.health {
        Health::Bad(kind) => Some(kind),
        _ => None,
    });
    let Some(kind) = worst else { return Ok(End::Done) };
    let bad = findings.iter().filter(|finding| matches!(finding.health, Health::Bad(_)));
    let bad: Vec<&str> = bad.map(|finding| finding.subject).collect();
    if out.is_json() {
        out.json(&json!({"bad": bad, "exit_code": kind.code()}))?;
    }
    out.flush()?;
    Err(Failure::Told(kind, format!("to be mended: {}", bad.join(", "))))
}
