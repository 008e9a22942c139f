//! The oldest and the youngest of our own records, by the service's clock.

use jiff::Timestamp;

use super::page;

type Text = Box<[u8]>;

/// The oldest and the youngest of some moments, as texts: one form of them is compared as it stands.
#[derive(Debug, Default)]
pub(super) struct Span {
    ends: Option<(Text, Text)>,
    /// Moments in another form.
    others: Option<(Timestamp, Timestamp)>,
}

impl Span {
    /// Takes in a moment, as JSON.
    pub(super) fn take(&mut self, text: &[u8]) {
        let Some((oldest, youngest)) = &mut self.ends else {
            self.ends = moment(text).map(|_| (text.into(), text.into()));
            return;
        };
        // The offset, and the quote after it.
        let end = |text: &[u8]| text.last_chunk::<7>().copied();
        if text.len() != oldest.len() || end(text) != end(oldest) {
            if let Some(at) = moment(text) {
                let (first, last) = self.others.unwrap_or((at, at));
                self.others = Some((first.min(at), last.max(at)));
            }
        } else if text < &**oldest {
            *oldest = text.into();
        } else if text > &**youngest {
            *youngest = text.into();
        }
    }

    pub(super) fn ends(&self) -> Option<(Timestamp, Timestamp)> {
        let (oldest, youngest) = self.ends.as_ref()?;
        let (oldest, youngest) = (moment(oldest)?, moment(youngest)?);
        let (first, last) = self.others.unwrap_or((oldest, youngest));
        Some((oldest.min(first), youngest.max(last)))
    }
}

/// A moment, read from JSON.
pub(super) fn moment(json: &[u8]) -> Option<Timestamp> {
    page::text(json)?.parse::<crate::model::Timestamp>().ok().map(|moment| moment.0)
}
