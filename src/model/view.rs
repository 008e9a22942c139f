//! What is known of a document: its fields, or where they stand in its text.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use super::document::{Model, Shape};
use super::field::Reader;
use super::json::{Fault, Fields, Token};

/// The fields of a document.
#[derive(Debug, Clone)]
pub(super) struct View<T> {
    /// Where they stand, if they were not all read at once.
    places: Option<Places>,
    /// All of them, if they were read.
    whole: OnceLock<Box<T>>,
}

/// Where the fields of one document stand, among those of others: from its beginning on, 0 where there
/// is none.
#[derive(Debug, Clone)]
struct Places {
    all: Arc<[u32]>,
    first: usize,
}

impl Places {
    fn get(&self, at: usize) -> Option<usize> {
        let place = *self.all.get(self.first + at)?;
        (place > 0).then_some(place as usize)
    }
}

impl<T: Model> View<T> {
    /// That of fields which stand where `all` tells, from its `first` entry on.
    pub(super) fn of_places(all: &Arc<[u32]>, first: usize) -> Self {
        let places = Some(Places { all: all.clone(), first });
        Self { places, whole: OnceLock::new() }
    }

    /// Where a field stands, if it is there; all fields, where they were read.
    pub(super) fn place(&self, at: usize) -> Result<Option<usize>, &T> {
        match (self.whole.get(), &self.places) {
            (Some(view), _) => Err(view),
            (None, Some(places)) if at < T::FIELDS.len() => Ok(places.get(at)),
            (None, _) => Ok(None),
        }
    }

    /// All fields.
    pub(super) fn whole(&self, json: &Bytes) -> &T {
        self.whole.get_or_init(|| Box::new(self.read(json)))
    }

    /// The same, to be kept.
    pub(super) fn into_whole(mut self, json: &Bytes) -> T {
        self.whole.take().map_or_else(|| self.read(json), |view| *view)
    }

    fn read(&self, json: &Bytes) -> T {
        let mut view = T::default();
        for (at, name) in T::FIELDS.iter().enumerate() {
            if let Some(place) = self.places.as_ref().and_then(|places| places.get(at)) {
                // The text was found sound.
                let _ = view.read_field(name, &mut Reader::at(json, place));
            }
        }
        view
    }
}

impl<T> View<T> {
    /// That of fields which were read.
    pub(super) fn of(view: T) -> Self {
        Self { places: None, whole: OnceLock::from(Box::new(view)) }
    }
}

/// Finds where the fields of documents stand.
pub(super) struct Finder<T> {
    fields: Fields,
    model: PhantomData<T>,
}

/// Where a document stands; or what keeps a value from being one, and where that stands.
type Found = Result<Range<usize>, (Shape, Range<usize>)>;

impl<T: Model> Finder<T> {
    pub(super) fn new() -> Self {
        Self { fields: Fields::new(T::FIELDS), model: PhantomData }
    }

    /// Steps over the next value and puts the places of its fields into `places`, which are 0.
    pub(super) fn find(
        &mut self,
        reader: &mut Reader<'_>,
        places: &mut [u32],
    ) -> Result<Found, Fault> {
        reader.scanner.space();
        let start = reader.scanner.at();
        let token = reader.scanner.value()?;
        if token != Token::Object {
            reader.skip(token)?;
            return Ok(Err((Shape::NoObject, start..reader.scanner.at())));
        }
        self.fields.begin();
        while let Some(field) = self.fields.next(&mut reader.scanner)? {
            if let Some(place) = places.get_mut(field) {
                // Of a field that comes twice, the last counts.
                *place = u32::try_from(reader.scanner.at() - start).unwrap_or(u32::MAX);
            }
            reader.pass()?;
        }
        let part = start..reader.scanner.at();
        let is_there = |name: &&str| {
            let mut known = T::FIELDS.iter().zip(&*places);
            known.any(|(field, place)| field == name && *place > 0)
        };
        Ok(match T::NEEDED.iter().find(|name| !is_there(name)) {
            Some(name) => Err((Shape::Missing(name), part)),
            None => Ok(part),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::model::{Document, Record, RecordPage};

    const KEYS: [&str; 8] = [
        "id",
        "status",
        "\\u0073tatus",
        "attempt_count",
        "call_history",
        "app_user_id",
        "unknown",
        "variables",
    ];
    const VALUES: [&str; 8] = [
        "null",
        "\"completed\"",
        "7",
        "\"a \\\" \\u00e9 }\"",
        "[{\"call_id\": \"c\", \"status\": null}, 3]",
        "{\"id\": \"another\", \"n\": [{}, \", \\\"id\\\": \"]}",
        "\"\"",
        "\"long enough to fill a block and more of the text, with a comma, \\\\\"",
    ];
    const GAPS: [&str; 4] = ["", " ", "\n  ", "\t"];

    type Written = Vec<(usize, usize)>;

    fn text_of((fields, gap): &(Written, usize)) -> String {
        let gap = GAPS[*gap];
        let fields = fields.iter().map(|(key, value)| {
            format!("{gap}\"{}\"{gap}:{gap}{}{gap}", KEYS[*key], VALUES[*value])
        });
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    }

    proptest! {
        /// However unlike each other they are written, records are read as each alone is.
        #[test]
        fn a_record_is_read_as_if_it_were_alone(
            records in proptest::collection::vec(
                (
                    proptest::collection::vec((0..KEYS.len(), 0..VALUES.len()), 0..9),
                    0..GAPS.len(),
                ),
                1..9,
            ),
        ) {
            let texts: Vec<String> = records.iter().map(text_of).collect();
            let page = format!("{{\"items\": [{}]}}", texts.join(", "));
            let page = Document::<RecordPage>::parse(page.as_bytes()).unwrap();
            let alone = texts.iter().map(|text| Document::<Record>::parse(text.as_bytes()));
            let alone: Vec<_> = alone.filter_map(Result::ok).collect();
            prop_assert_eq!(page.items.len() + page.items.left_out().len(), texts.len());
            prop_assert_eq!(page.items.len(), alone.len());
            for (one, other) in page.items.iter().zip(&alone) {
                prop_assert_eq!(one.json(), other.json());
                let status = one.text(4, |record| &record.status);
                let value: serde_json::Value = serde_json::from_slice(one.json()).unwrap();
                prop_assert!(!value["status"].is_string() || status.as_deref() == value["status"].as_str());
                prop_assert_eq!(format!("{:?}", &**one), format!("{:?}", &**other));
            }
        }
    }
}
