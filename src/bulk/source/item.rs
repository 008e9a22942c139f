//! A row that comes as an object, and what in it can't be read or sent.

use std::ops::Deref;

use serde_json::{Map, Value};

/// A row by its keys.
#[derive(Debug, Clone, Default)]
pub struct Item {
    fields: Map<String, Value>,
    flaws: Vec<Flaw>,
}

/// What in a row can't be read or sent. It costs the row where it would be sent, and nothing else.
#[derive(Debug, Clone)]
pub struct Flaw {
    /// What it is in.
    pub place: FlawPlace,
    /// Where exactly, as reasons name it; empty where that is the row.
    pub at: String,
    /// What is wrong with it.
    pub problem: String,
    /// Whether it is no row's alone: what the column of a table holds can't be sent at all.
    pub is_of_column: bool,
}

/// What a flaw is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FlawPlace {
    /// The row: it is no object.
    Row,
    /// A key: it is no name of a column.
    Key,
    /// The value of a key.
    Column(String),
}

impl Item {
    /// A row that is no object.
    pub fn none(problem: impl Into<String>) -> Self {
        let mut item = Self::default();
        item.flaw(FlawPlace::Row, String::new(), problem.into());
        item
    }

    /// Adds a value; of two of one key the last counts.
    pub fn insert(&mut self, key: String, value: Value) {
        self.flaws.retain(|flaw| flaw.place != FlawPlace::Column(key.clone()));
        self.fields.insert(key, value);
    }

    /// Adds what can't be sent. The key of a value is there.
    pub fn flaw(&mut self, place: FlawPlace, at: String, problem: String) {
        if let FlawPlace::Column(key) = &place {
            // Neither a number nor an id, should anybody take it for one.
            self.insert(key.clone(), Value::Object(Map::new()));
        }
        self.flaws.push(Flaw { place, at, problem, is_of_column: false });
    }

    /// Marks what these rows of a table have a flaw of alike, every one of them.
    pub fn compare(rows: &mut [Self]) {
        let Some((first, others)) = rows.split_first_mut() else { return };
        for flaw in &mut first.flaws {
            let alike = |row: &Self| row.flaws.iter().any(|other| other.place == flaw.place);
            flaw.is_of_column = others.iter().all(alike);
        }
    }

    /// What can't be sent, in its order.
    pub fn flaws(&self) -> &[Flaw] {
        &self.flaws
    }

    /// Why a value can't be read, if it can't.
    pub fn flaw_at(&self, key: &str) -> Option<&str> {
        let is_of =
            |flaw: &&Flaw| matches!(&flaw.place, FlawPlace::Column(column) if column == key);
        self.flaws.iter().find(is_of).map(|flaw| flaw.problem.as_str())
    }

    /// A value, where it can be read.
    pub fn readable_at(&self, key: &str) -> Option<&Value> {
        self.fields.get(key).filter(|_| self.flaw_at(key).is_none())
    }

    /// Its keys, and of each the value where that can be read.
    pub fn readable(&self) -> impl Iterator<Item = (&String, Option<&Value>)> {
        self.fields.keys().map(|key| (key, self.readable_at(key)))
    }

    /// Why it is no row at all.
    pub fn is_none(&self) -> Option<&str> {
        let flaw = self.flaws.iter().find(|flaw| flaw.place == FlawPlace::Row)?;
        Some(&flaw.problem)
    }
}

impl From<Map<String, Value>> for Item {
    fn from(fields: Map<String, Value>) -> Self {
        Self { fields, flaws: Vec::new() }
    }
}

impl Deref for Item {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.fields
    }
}
