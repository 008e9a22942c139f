//! Names of columns that come more than once.

use std::collections::HashSet;

use super::shown;
use crate::Error;
use crate::masked::masked;

/// Gives each column a name of its own.
pub(in super::super) struct Distinct<'a> {
    all: &'a [&'a str],
    given: HashSet<String>,
}

impl<'a> Distinct<'a> {
    /// For the columns of these names.
    pub(in super::super) fn among(all: &'a [&'a str]) -> Self {
        Self { all, given: HashSet::new() }
    }

    /// The next column's name: the first of two keeps it, the second is `name_2`.
    pub(in super::super) fn name(&mut self, name: &str) -> String {
        let taken = |name: &String| self.all.contains(&&**name) || self.given.contains(name);
        let name = if self.given.contains(name) {
            // Fewer are taken than there are columns.
            let most = self.all.len() + self.given.len() + 2;
            let mut others = (2..=most).map(|n| format!("{name}_{n}"));
            others.find(|name| !taken(name)).unwrap_or_default()
        } else {
            name.to_owned()
        };
        self.given.insert(name.clone());
        name
    }
}

/// The error of a name that an option means and two columns have.
pub(in super::super) fn twice(name: &str) -> Error {
    let problem = format!("two columns are named {}; rename one", shown(&masked(name)));
    Error::invalid("source", problem)
}
