//! Following a record to its end.

use std::time::Duration;

use uuid::Uuid;

use super::client::Client;
use crate::model::{Document, Record};
use crate::{Error, Result};

impl Client {
    /// Polls a record every `interval` until it is final.
    ///
    /// Past `timeout` this is [`Error::WaitTimeout`] with the record as it was last seen; a poll
    /// that is out by then is dropped. The record is asked for at least once.
    pub async fn wait(
        &self,
        campaign: Uuid,
        run: Uuid,
        timeout: Option<Duration>,
        interval: Duration,
    ) -> Result<Document<Record>> {
        let started = self.world().now();
        let elapsed = || self.world().now().saturating_duration_since(started);
        let mut last = None;
        loop {
            let poll = self.record(campaign, run);
            let answer = match timeout {
                // A timeout of 0 asks once.
                Some(bound) if !bound.is_zero() => {
                    tokio::time::timeout(bound.saturating_sub(elapsed()), poll).await.ok()
                }
                _ => Some(poll.await),
            };
            match answer.transpose()? {
                Some(record) if record.is_final() => return Ok(record),
                Some(record) => last = Some(Box::new(record)),
                None => {}
            }
            let rest = timeout.map(|bound| bound.saturating_sub(elapsed()));
            match rest {
                Some(rest) if rest <= interval => {
                    tokio::time::sleep(rest).await;
                    return Err(Error::WaitTimeout { waited: elapsed(), record: last });
                }
                _ => tokio::time::sleep(interval).await,
            }
        }
    }
}
