//! The end of a life, and what must hold then.

use revrag::bulk::ledger::Cause;
use revrag::bulk::{Outcome as Came, State};

use super::super::check::{self, Violation};
use super::super::keyed;
use super::Play;
use super::life::Life;

impl Life {
    pub(super) fn end(self, play: &mut Play<'_>) -> Result<u64, Violation> {
        if play.store.has_failed {
            play.store.reopen_later();
        } else {
            play.store.close();
        }
        let (ledger, records) = (&self.ledger, &play.service.records);
        let (why, unknown) = (check::cause(ledger.cause()), ledger.counts().of(Came::Unknown));
        let now = play.now;
        play.story.tell(("end", unknown), || {
            format!("{now:?}: it ends, stopped by {why}; {:?}", ledger.counts())
        });
        if matches!(ledger.cause(), Some(Cause::Source(_) | Cause::Changed(_)))
            && !ledger.has_launched()
        {
            return Ok(unknown);
        }
        if play.scenario.keyed.is_some() {
            let is_open = ledger.has_launched() || self.was_cut_off;
            play.was_cut_off = ledger.cause().is_some() && is_open;
            let source = (&play.rows[..], &self.order[..]);
            keyed::report(play.scenario, ledger, &play.store, source, records)?;
            return keyed::kind(play.scenario, ledger, source, records).map(|()| unknown);
        }
        check::report(play.scenario, ledger, &play.store, &play.rows, records, play.now)?;
        let mut outcomes = vec![None; play.rows.len()];
        let index = ledger.index();
        for (at, outcome) in outcomes.iter_mut().enumerate() {
            *outcome =
                index.place(at as u64).and_then(|place| index.state(place)).map(State::outcome);
        }
        if ledger.cause().is_none() {
            check::alike(play.scenario, &play.rows, &outcomes, records)?;
            check::kind(play.scenario, ledger, records)?;
        }
        Ok(unknown)
    }
}
