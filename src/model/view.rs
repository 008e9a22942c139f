//! What is known of a document: its fields, or where they stand in its text.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::document::Model;
use super::field::Reader;

/// The fields of a document.
#[derive(Debug, Clone)]
pub(super) enum View<T> {
    /// They were read.
    Read(T),
    /// They are where they are, and are all read at once for whoever wants them all.
    Places {
        /// Where each stands.
        places: Places,
        /// All of them.
        whole: OnceLock<Box<T>>,
    },
}

/// Where each field's value stands, from the document's beginning on.
#[derive(Debug, Clone)]
pub(super) struct Places(Arc<[(u32, u32)]>);

impl Places {
    /// Puts a field there; of one that comes twice, the last counts.
    pub(super) fn put(&mut self, at: usize, part: Range<usize>) {
        let short = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        if let Some(places) = Arc::get_mut(&mut self.0)
            && let Some(place) = places.get_mut(at)
        {
            *place = (short(part.start), short(part.end));
        }
    }

    fn get(&self, at: usize) -> Option<Range<usize>> {
        let (start, end) = *self.0.get(at)?;
        // A value has at least one byte.
        (end > 0).then_some(start as usize..end as usize)
    }
}

impl<T: Model> View<T> {
    /// That of a document of which nothing was read yet.
    pub(super) fn new() -> Self {
        if T::LAZY {
            let places = Places(std::iter::repeat_n((0, 0), T::FIELDS.len()).collect());
            return Self::Places { places, whole: OnceLock::new() };
        }
        Self::Read(T::default())
    }

    /// Where a field stands, if it is there; all fields, where they were read.
    pub(super) fn place(&self, at: usize) -> Result<Option<Range<usize>>, &T> {
        match self {
            Self::Read(view) => Err(view),
            Self::Places { places, whole } => match whole.get() {
                Some(view) => Err(view),
                None => Ok(places.get(at)),
            },
        }
    }

    /// All fields.
    pub(super) fn whole(&self, json: &Bytes) -> &T {
        match self {
            Self::Read(view) => view,
            Self::Places { places, whole } => whole.get_or_init(|| {
                let mut view = T::default();
                for (at, name) in T::FIELDS.iter().enumerate() {
                    if let Some(part) = places.get(at) {
                        // The text was found sound.
                        let _ = view.read_field(name, &mut Reader::at(json, part));
                    }
                }
                Box::new(view)
            }),
        }
    }
}
