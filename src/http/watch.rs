//! Following a campaign until nothing is left to do.

use std::time::Duration;

use uuid::Uuid;

use super::client::Client;
use super::wait::Patience;
use crate::model::{CampaignStatus, Document};
use crate::{Error, Result};

/// A campaign's statuses, each that differs from the one before.
pub struct Watch {
    campaign: Uuid,
    patience: Patience,
    last: Option<Document<CampaignStatus>>,
    has_asked: bool,
    is_over: bool,
}

impl Watch {
    /// Begins to watch; the time runs from now.
    #[must_use]
    pub fn new(
        client: &Client,
        campaign: Uuid,
        timeout: Option<Duration>,
        interval: Duration,
    ) -> Self {
        let patience = Patience::new(client, timeout, interval);
        Self { campaign, patience, last: None, has_asked: false, is_over: false }
    }

    /// The next status, none after the one that says that nothing is left to do.
    ///
    /// The first comes at once. A poll that fails in a way in which a GET would be sent again tells
    /// nothing: the next one may. Past the timeout this is [`Error::WatchTimeout`]. Where it is
    /// dropped half-way, the next call goes on.
    pub async fn next(&mut self, client: &Client) -> Result<Option<Document<CampaignStatus>>> {
        while !self.is_over {
            if self.has_asked && !self.patience.rest().await? {
                return Err(self.timed_out());
            }
            self.has_asked = true;
            let answer = self.patience.poll(client.campaign_status(self.campaign)).await?;
            let Some(status) = answer.filter(|status| self.last.as_ref() != Some(status)) else {
                continue;
            };
            self.is_over = status.is_over();
            self.last = Some(status.clone());
            return Ok(Some(status));
        }
        Ok(None)
    }

    fn timed_out(&mut self) -> Error {
        let (waited, cause) = self.patience.give_up();
        Error::WatchTimeout { waited, status: self.last.clone().map(Box::new), cause }
    }
}
