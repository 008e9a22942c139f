//! An upload from its first check to its report.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;
use uuid::Uuid;

use super::chunk::Limits;
use super::driver::{Driver, Setting};
use super::encode::Encoder;
use super::ending::{Cause, Ending, Failure, Monitor, Snapshot, Stopped, bug};
use super::options::{OnDuplicate, OnInvalid, Options};
use super::pipeline::{self, Halt, Pipeline, Plan};
use super::report::Report;
use super::source::Input;
use super::store::{Identity, Opened, Store};
use crate::http::Client;
use crate::{Error, Result};

/// An upload, not begun: nothing happens until [`Upload::run`].
pub struct Upload {
    client: Client,
    campaign: Uuid,
    input: Input,
    options: Options,
    progress: watch::Sender<Snapshot>,
    ending: Ending,
}

impl Upload {
    /// An upload, and a monitor of it.
    pub fn new(client: Client, campaign: Uuid, input: Input, options: Options) -> (Self, Monitor) {
        let (progress, snapshots) = watch::channel(Snapshot::default());
        let (monitor, ending) = Monitor::new(snapshots);
        (Self { client, campaign, input, options, progress, ending }, monitor)
    }

    /// Uploads every row of the source exactly once.
    ///
    /// Dropped before its end, it stops cleanly: what is known is in the journal, and
    /// [`Monitor::stopped`] has the report.
    pub async fn run(self) -> std::result::Result<Report, Failure> {
        // A task of its own goes on while its caller is busy; it must not outlive the caller.
        struct Tied<T>(tokio::task::JoinHandle<T>);
        impl<T> Drop for Tied<T> {
            fn drop(&mut self) {
                self.0.abort();
            }
        }
        let mut task = Tied(tokio::spawn(async move {
            let ending = self.ending.clone();
            let result = self.work().await;
            // Whoever is interrupted before the result arrives finds it there.
            match &result {
                Ok(report) => ending.leave(report.clone()),
                Err(Failure::Stopped(stopped)) => ending.leave(stopped.report.clone()),
                Err(Failure::Refused(_)) => {}
            }
            result
        }));
        match (&mut task.0).await {
            Ok(result) => result,
            Err(_) => Err(bug().into()),
        }
    }

    async fn work(self) -> std::result::Result<Report, Failure> {
        let Self { client, campaign, input, options, progress, ending } = self;
        options.check()?;
        let started = Instant::now();
        let fresh = Identity {
            upload: Uuid::new_v4(),
            campaign,
            base_url: client.config().base_url().to_owned(),
            content: options.content.clone(),
            since: None,
        };
        let journal = options.journal.clone().filter(|_| !options.dry_run);
        let holder = ending.clone();
        // Should nobody wait for it any more, it is let go of there.
        let opening = tokio::task::spawn_blocking(move || {
            let opened = Store::open(journal.as_deref(), fresh)?;
            Ok::<_, Error>(Held { opened: Some(opened), started, ending: holder })
        });
        let mut held = opening.await.map_err(|_| bug())??;
        let opened = held.opened.as_mut().ok_or_else(bug)?;
        let mut clear_at = started;
        let status = if options.dry_run {
            None
        } else {
            let (status, date) = client.campaign_status_dated(campaign).await?;
            if opened.cuts.is_empty() {
                opened.identity.since = date.and_then(next_second);
                opened.store.identify(&opened.identity);
                clear_at = Instant::now() + SECOND;
            }
            Some(status.status.clone())
        };
        if let Some(status) = status.filter(|status| takes_no_records(status)) {
            let report = held.close()?;
            let cause = Cause::NotRunning(status);
            return Err(Failure::Stopped(Box::new(Stopped { cause, report })));
        }
        let encoder = Arc::new(Encoder::new(
            options.content.clone(),
            opened.identity.upload.simple().to_string(),
        )?);
        if options.content.on_invalid == OnInvalid::Raise && input.repeatable {
            let halt = Halt::default();
            let (input, encoder, stop) = (input.clone(), encoder.clone(), halt.flag());
            let checked =
                tokio::task::spawn_blocking(move || pipeline::check(&input, &encoder, &stop)).await;
            checked.map_err(|_| bug())?.map_err(Failure::Refused)?;
        }
        let plan = Plan {
            limits: Limits {
                // At a rate, a request takes a second at most.
                records: options.max_records.min(options.rows_a_second()),
                bytes: options.max_bytes,
                rows: options.max_records.saturating_mul(16).max(4096),
            },
            cuts: opened.cuts.clone(),
            reject_duplicates: options.content.on_duplicate == OnDuplicate::Reject,
            width: std::thread::available_parallelism().map_or(1, usize::from).min(8),
        };
        let pipeline = Pipeline::start(&input, encoder, plan)?;
        let opened = held.opened.take().ok_or_else(bug)?;
        let setting = Setting { client, campaign, options, started, clear_at };
        Driver::new(setting, opened, pipeline, progress, ending).run().await
    }
}

/// An opened store before anything is sent. Dropped, it leaves its report.
struct Held {
    opened: Option<Opened>,
    started: Instant,
    ending: Ending,
}

impl Held {
    fn close(&mut self) -> Result<Report> {
        let opened = self.opened.take().ok_or_else(bug)?;
        let closed = opened.store.close()?;
        Report::new(opened.identity.upload, self.started.elapsed(), closed)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.opened.is_some()
            && let Ok(report) = self.close()
        {
            self.ending.leave(report);
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);

/// `Date` has whole seconds: what was created within this one may be of before. So rows that are
/// told apart by the service's clock leave a second later.
fn next_second(date: SystemTime) -> Option<jiff::Timestamp> {
    jiff::Timestamp::try_from(date + SECOND).ok()
}

/// Whether a campaign of this status takes no records. A status of tomorrow may be a running one.
fn takes_no_records(status: &str) -> bool {
    matches!(status, "paused" | "completed" | "cancelled")
}
