//! `revrag push`: a file into a campaign, each row exactly once.

mod bar;
mod options;
mod preview;
mod receipt;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::connect::{CampaignChoice, Connection};
use super::failure::{End, Failure, Kind, in_flags};
use super::output::{Out, answer};
use super::session::{self, Interruptions, aside, unless};
use bar::Bar;
use options::Given;
use preview::Plan;
use revrag::bulk::source::{self, Format, Input, Open, SourceError};
use revrag::bulk::{
    Ask, Cause, Content, Failure as Ended, Monitor, Options, Outcome, Rejects, Remote, Report,
    Target, Upload, can_write, is_same, write,
};
use revrag::error::Error;
use revrag::http::Client;

/// How long an upload that is cut off may take to let go of its journal.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// A journal that is larger takes too long to be counted.
const LARGE: u64 = 256 << 20;
/// What is left for another file: the same command sends the rest by itself.
const LEFT_OUT: [Outcome; 5] =
    [Outcome::Rejected, Outcome::Invalid, Outcome::Excluded, Outcome::Duplicate, Outcome::Unknown];

/// Push a file of leads into a campaign, each row exactly once.
///
/// Shows what is about to be sent and asks, at a terminal. What was sent is written down beside the file, in
/// FILE.revrag-journal: interrupted in any way, even by kill -9, the same command goes on where it stopped.
/// With --key a row is known by its key instead, whatever file and machine it comes from.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The leads: .csv, .tsv, .txt, .jsonl, .ndjson (each also .gz), .parquet, .arrow, .xlsx or .xls
    file: PathBuf,
    #[command(flatten)]
    given: Given,
    /// Where what was sent is written down [default: FILE.revrag-journal, or none with --key]
    #[arg(long, value_name = "FILE", help_heading = "Exactly once")]
    journal: Option<PathBuf>,
    /// Send without asking
    #[arg(long, short)]
    yes: bool,
    /// Read and check all, send nothing
    #[arg(long)]
    dry_run: bool,
    /// Write the rows that were left out to a file, with outcome and error before their columns
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Write what became of every row to a file: row, key, number, outcome, run id
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    campaign: CampaignChoice,
    #[command(flatten)]
    connection: Connection,
}

impl Args {
    /// Whether it is more than a look.
    pub(super) fn sends(&self) -> bool {
        !self.dry_run
    }
}

pub(super) fn run(args: &Args, out: &mut Out<'_>) -> Result<End, Failure> {
    let runtime = session::runtime()?;
    let ended = runtime.block_on(async {
        let mut stop = Interruptions::listen()?;
        Push::new(args)?.run(&mut stop, out).await
    });
    // A thread may wait for an answer that nobody types any more.
    runtime.shutdown_background();
    ended
}

struct Push<'a> {
    args: &'a Args,
    client: Client,
    profile: Option<String>,
    campaign: Uuid,
    journal: Option<PathBuf>,
    options: Options,
    format: Format,
}

impl<'a> Push<'a> {
    fn new(args: &'a Args) -> Result<Self, Failure> {
        let connected = args.connection.client()?;
        let campaign = args.campaign.of(&connected.settings)?;
        let beside = || {
            let mut name = args.file.clone().into_os_string();
            name.push(".revrag-journal");
            PathBuf::from(name)
        };
        let journal = args.journal.clone().or_else(|| (!args.given.is_keyed()).then(beside));
        let options = args.given.options(journal.clone(), args.dry_run)?;
        let format = args.given.format(&options.content)?;
        for path in std::iter::once(&args.file).chain(&args.given.exclude) {
            can_read_again(path)?;
        }
        let mut taken = vec![("FILE", &args.file)];
        taken.extend(args.given.exclude.as_ref().map(|path| ("--exclude", path)));
        taken.extend(journal.as_ref().map(|path| ("--journal", path)));
        for (flag, path) in [("rejects", &args.rejects), ("report", &args.report)] {
            let Some(path) = path else { continue };
            if let Some((other, _)) = taken.iter().find(|(_, other)| is_same(path, other)) {
                return Err(Failure::flag(
                    flag,
                    format!("it is the file of {other}; name another"),
                ));
            }
            can_write(path).map_err(|error| Failure::written(flag, path, error))?;
            taken.push((if flag == "rejects" { "--rejects" } else { "--report" }, path));
        }
        Ok(Self {
            args,
            client: connected.client,
            profile: connected.settings.name,
            campaign,
            journal,
            options,
            format,
        })
    }

    async fn run(&self, stop: &mut Interruptions, out: &mut Out<'_>) -> Result<End, Failure> {
        let is_asked = !self.args.yes && out.can_ask();
        let mut total = None;
        if !self.args.dry_run && (is_asked || !out.is_json()) {
            let plan = self.plan(stop, out).await?;
            total = Some(plan);
            if is_asked && !self.is_wanted(stop, out, plan).await? {
                return Err(Failure::Told(Kind::Interrupted, "nothing was sent".to_owned()));
            }
        }
        let bar = Bar::new(total.map(|total| total.rows), out);
        let ended = self.upload(self.options.clone(), &bar, stop).await;
        bar.clear();
        self.close(ended, stop, out).await
    }

    /// Finds out what there is to do, and shows it.
    async fn plan(&self, stop: &mut Interruptions, out: &mut Out<'_>) -> Result<Size, Failure> {
        let asked = self.client.campaign_status(self.campaign);
        let status = unless(stop, asked).await??;
        let content = Content { key: Vec::new(), name: None, ..self.options.content.clone() };
        let check = Options {
            content,
            journal: None,
            existing: Ask::Campaign,
            dry_run: true,
            ..self.options.clone()
        };
        let bar = Bar::new(None, out);
        let checked = self.upload(check, &bar, stop).await;
        bar.clear();
        let checked = match checked {
            Ok(report) => report,
            Err(Ended::Refused(error)) => return Err(self.refused(error)),
            Err(Ended::Stopped(stopped)) => {
                return Err(receipt::stopped(&stopped.cause, &stopped.report));
            }
        };
        let input = self.input();
        let rows = aside(stop, move |_| preview::first_rows(&input)).await?;
        let rows = rows.map_err(|error| self.refused(error))?;
        let before = self.before(stop).await?;
        let plan = Plan {
            file: &self.args.file,
            status: &status,
            campaign: self.campaign,
            base_url: self.client.config().base_url(),
            profile: self.profile.as_deref(),
            before: self.journal.as_deref().zip(before),
            journal: self.journal.as_deref(),
            is_keyed: self.args.given.is_keyed(),
            column: &self.options.content.phone_number,
            rows,
            checked: &checked,
        };
        plan.show(out);
        let to_send = plan.to_send().min(self.options.rails.limit.unwrap_or(u64::MAX));
        Ok(Size { rows: checked.counts().total(), to_send, goes_on: plan.before.is_some() })
    }

    /// What the journal knows; none where there is none yet.
    async fn before(&self, stop: &mut Interruptions) -> Result<Option<Report>, Failure> {
        let Some(path) = self.journal.clone() else { return Ok(None) };
        if !path.metadata().is_ok_and(|file| (1..LARGE).contains(&file.len())) {
            return Ok(None);
        }
        // What is wrong with it, the upload tells.
        aside(stop, move |_| Report::open(&path).ok()).await
    }

    async fn is_wanted(
        &self,
        stop: &mut Interruptions,
        out: &mut Out<'_>,
        size: Size,
    ) -> Result<bool, Failure> {
        let question = if size.goes_on {
            "Go on with it?".to_owned()
        } else if self.args.given.is_keyed() {
            format!("Push up to {} rows?", size.to_send)
        } else {
            format!("Push {} rows?", size.to_send)
        };
        out.prompt(&question)?;
        let answered = unless(stop, tokio::task::spawn_blocking(answer)).await;
        if answered.is_err() {
            out.say("");
        }
        Ok(answered?.map_err(|error| Failure::Told(Kind::Usage, error.to_string()))??)
    }

    fn input(&self) -> Input {
        input(self.args.file.clone(), self.format.clone())
    }

    /// Uploads until the end, or until somebody interrupts it.
    async fn upload(
        &self,
        options: Options,
        bar: &Bar,
        stop: &mut Interruptions,
    ) -> Result<Report, Ended> {
        let config = self.client.config();
        let target = Target {
            campaign: self.campaign,
            base_url: config.base_url().to_owned(),
            timeout: config.timeout(),
            max_retries: config.max_retries(),
        };
        let service =
            Remote::new(self.client.clone(), self.campaign, options.content.region.as_deref());
        let exclude = self.args.given.exclude.clone().map(|path| {
            let columns = vec![options.content.phone_number.clone()];
            input(path, Format { columns, ..Format::default() })
        });
        let world = self.client.world().clone();
        let (upload, mut monitor) = Upload::new(service, target, self.input(), options, world);
        let mut running = upload.excluding(exclude).run();
        loop {
            tokio::select! {
                biased;
                ended = &mut running => return ended,
                () = stop.next() => {
                    drop(running);
                    return Err(cut_off(&monitor));
                }
                true = monitor.advanced() => bar.show(&monitor.snapshot()),
            }
        }
    }

    /// Shows what it came to, and writes the files that were asked for.
    async fn close(
        &self,
        ended: Result<Report, Ended>,
        stop: &mut Interruptions,
        out: &mut Out<'_>,
    ) -> Result<End, Failure> {
        let is_dry_run = self.args.dry_run;
        let (report, failure) = match ended {
            Ok(report) => (report, None),
            Err(Ended::Refused(error)) => return Err(self.refused(error)),
            Err(Ended::Stopped(stopped)) => {
                let failure = receipt::stopped(&stopped.cause, &stopped.report);
                (stopped.report, Some((stopped.cause.to_string(), failure)))
            }
        };
        if report.counts().total() > 0 || failure.is_none() || out.is_json() {
            let why = failure.as_ref().map(|(why, _)| why.as_str());
            let shown = receipt::show(&report, why, is_dry_run, out);
            // What was sent stays sent, whoever has stopped listening.
            if is_dry_run {
                shown?;
            }
        }
        let written = self.write_report(&report, stop).await;
        // Why it stopped goes before what became of a file.
        if let Some((_, failure)) = failure {
            return Err(failure);
        }
        written?;
        let end = receipt::end(&report, is_dry_run);
        if let Some(path) = self.args.rejects.clone() {
            self.write_rejects(path, report, stop).await?;
        }
        Ok(end)
    }

    async fn write_report(&self, report: &Report, stop: &mut Interruptions) -> Result<(), Failure> {
        let Some(path) = self.args.report.clone() else { return Ok(()) };
        let (mut rows, to) = (report.table(), path.clone());
        let written = aside(stop, move |is_stopped| write(&to, &mut rows, is_stopped)).await;
        written
            .map_err(|failure| not_written(failure, "report", &path))?
            .map_err(|error| Failure::written("report", &path, error))
    }

    async fn write_rejects(
        &self,
        path: PathBuf,
        report: Report,
        stop: &mut Interruptions,
    ) -> Result<(), Failure> {
        let rejects = Rejects {
            input: self.input(),
            content: self.options.content.clone(),
            report,
            outcomes: LEFT_OUT.to_vec(),
        };
        let to = path.clone();
        let written = aside(stop, move |is_stopped| {
            rejects.open().map(|mut rows| write(&to, &mut rows, is_stopped))
        });
        written
            .await
            .map_err(|failure| not_written(failure, "rejects", &path))?
            .map_err(|error| self.refused(error))?
            .map_err(|error| Failure::written("rejects", &path, error))
    }

    /// A file that can't be read, or an option that does not fit it.
    fn refused(&self, error: SourceError) -> Failure {
        match error {
            SourceError::Unreadable(Error::InvalidArgument { argument, problem })
                if argument == "source" =>
            {
                let name = self.args.file.display();
                let problem = in_flags(&problem);
                // Some of them begin with the file's name.
                let short = self.args.file.file_name().unwrap_or_default().to_string_lossy();
                let problem = problem.strip_prefix(&format!("{short}: ")).unwrap_or(&problem);
                Failure::Told(Kind::Usage, format!("{name}: {problem}"))
            }
            SourceError::Unreadable(error) => error.into(),
            other @ SourceError::Raised { .. } => Failure::Told(Kind::Usage, other.to_string()),
        }
    }
}

/// How much there is to do.
#[derive(Clone, Copy)]
struct Size {
    rows: u64,
    to_send: u64,
    goes_on: bool,
}

/// A file as an upload reads it.
fn input(path: PathBuf, format: Format) -> Input {
    let open: Open = Arc::new(move || Ok(source::open(&path, &format)?));
    Input { open, repeatable: true }
}

/// What is known of an upload that was dropped.
fn cut_off(monitor: &Monitor) -> Ended {
    let (cause, report) = match monitor.stopped(LAST_WORDS) {
        Some(report) => (Cause::CutOff, report),
        None => (Cause::Lost, Report::unknown(Uuid::nil())),
    };
    Ended::Stopped(Box::new(revrag::bulk::Stopped { cause, report }))
}

/// What is said where somebody interrupts the writing of a file.
fn not_written(failure: Failure, flag: &str, path: &Path) -> Failure {
    let Failure::Interrupted = failure else { return failure };
    let path = path.display();
    let what = format!(
        "--{flag} {path}: it was interrupted, and is not written; what was sent stays sent, and the same \
         command writes it"
    );
    Failure::Told(Kind::Interrupted, what)
}

/// Refuses what is gone once it was read, such as a pipe: a file is checked, shown and then sent.
fn can_read_again(path: &Path) -> Result<(), Failure> {
    // What is not there or can't be looked at, opening it tells.
    let Ok(file) = path.metadata() else { return Ok(()) };
    if file.is_file() || file.is_dir() {
        return Ok(());
    }
    let problem = "it is no regular file, and only those can be read again; write it to one first";
    Err(Failure::Told(Kind::Usage, format!("{}: {problem}", path.display())))
}
