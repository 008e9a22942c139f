//! PythonRows that Python makes: dicts one by one, or blocks of a table.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyList, PyString};
use pyo3_arrow::input::AnyRecordBatch;

use crate::convert::json::{self, Unsendable, type_name};
use crate::ground::process;
use revrag::Error;
use revrag::bulk::source::{Batches, Block, FlawPlace, Item, Source, SourceError};

/// PythonRows in a block.
const BLOCK: usize = 1024;
/// How long a block is waited for that has a row already.
const PATIENCE: Duration = Duration::from_millis(100);

/// What Python raised, kept for whoever ends the operation.
pub(crate) type Raised = Arc<Mutex<Option<PyErr>>>;

/// A Python object that makes rows.
pub(crate) struct PythonRows {
    object: Py<PyAny>,
    kind: Kind,
    roles: Roles,
    raised: Raised,
    reading: Mutex<Option<Reading>>,
}

/// The keys that hold a number or an id.
pub(crate) struct Roles {
    pub(crate) phone_number: String,
    pub(crate) ids: Vec<String>,
}

/// What iterating the object yields.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Mappings.
    Dicts,
    /// Lists of dicts, and Arrow tables.
    Blocks,
    /// Numbers alone; mappings that hold one, too.
    Numbers,
}

/// What rows are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// They are uploaded.
    Source,
    /// Their numbers are not to be called.
    Exclude,
}

struct Reading {
    iterator: Py<PyIterator>,
    row: u64,
    /// Why there are no more rows.
    failed: Option<SourceError>,
    /// What is left of an Arrow table.
    table: Option<Batches>,
}

impl PythonRows {
    pub(crate) fn new(object: Py<PyAny>, kind: Kind, roles: Roles, raised: Raised) -> Self {
        Self { object, kind, roles, raised, reading: Mutex::new(None) }
    }

    /// The next block, or the first again where `from_start`.
    fn next(&self, py: Python<'_>, from_start: bool) -> Result<Option<Block>, SourceError> {
        let _lent = process::Lent::enter(py);
        let mut reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        if from_start {
            *reading = None;
        }
        let reading = match &mut *reading {
            Some(reading) => reading,
            empty => {
                let iterator = self.object.bind(py).try_iter();
                let iterator = iterator.map_err(|error| self.raise(error, 0))?.unbind();
                empty.insert(Reading { iterator, row: 0, failed: None, table: None })
            }
        };
        if let Some(error) = &reading.failed {
            return Err(error.clone());
        }
        let block = match self.kind {
            Kind::Dicts | Kind::Numbers => self.dicts(py, reading),
            Kind::Blocks => self.block(py, reading),
        }?;
        reading.row += block.as_ref().map_or(0, |block| block.len() as u64);
        Ok(block)
    }

    fn dicts(&self, py: Python<'_>, reading: &mut Reading) -> Result<Option<Block>, SourceError> {
        let started = Instant::now();
        let mut rows = Vec::new();
        let mut iterator = reading.iterator.bind(py).clone();
        for row in (reading.row..).take(BLOCK) {
            let item = match iterator.next() {
                None => break,
                Some(Ok(item)) => self.item(&item, row),
                Some(Err(error)) => Err(self.raise(error, row)),
            };
            match item {
                Ok(item) => rows.push(item),
                Err(error) => {
                    reading.failed = Some(error);
                    break;
                }
            }
            if started.elapsed() > PATIENCE {
                break;
            }
        }
        // What was read before an error is good, and comes first.
        if rows.is_empty()
            && let Some(error) = &reading.failed
        {
            return Err(error.clone());
        }
        Ok((!rows.is_empty()).then_some(Block::Objects(rows)))
    }

    fn block(&self, py: Python<'_>, reading: &mut Reading) -> Result<Option<Block>, SourceError> {
        loop {
            if let Some(table) = &mut reading.table {
                if let Some(block) = table.next()? {
                    return Ok(Some(block));
                }
                reading.table = None;
            }
            let item = match reading.iterator.bind(py).clone().next() {
                None => return Ok(None),
                Some(Ok(item)) => item,
                Some(Err(error)) => return Err(self.raise(error, reading.row)),
            };
            let Ok(list) = item.cast::<PyList>() else {
                reading.table = Some(table(&item).map_err(|error| self.raise(error, reading.row))?);
                continue;
            };
            let rows = (reading.row..).zip(list.iter()).map(|(row, item)| self.item(&item, row));
            let mut rows = rows.collect::<Result<Vec<_>, _>>()?;
            if reading.row == 0 {
                Item::compare(&mut rows);
            }
            if !rows.is_empty() {
                return Ok(Some(Block::Objects(rows)));
            }
        }
    }

    /// A mapping as a row. What can't be sent costs the row, and no other.
    fn item(&self, object: &Bound<'_, PyAny>, row: u64) -> Result<Item, SourceError> {
        let dict = match json::mapping(object, &String::new) {
            Ok(Some(dict)) => dict,
            Ok(None) if self.kind == Kind::Numbers => return self.number(object, row),
            Ok(None) => {
                return Ok(Item::none(format!("it must be a dict, not {}", type_name(object))));
            }
            Err(Unsendable::Refused(error)) => return Ok(Item::none(told(error).1)),
            Err(Unsendable::Interrupted(error)) => return Err(self.raise(error, row)),
        };
        let mut item = Item::default();
        for (key, value) in dict.iter() {
            let Ok(key) = key.extract::<String>() else {
                let problem = match key.cast::<PyString>() {
                    Ok(_) => "a key holds a lone surrogate, which is not valid Unicode".to_owned(),
                    Err(_) => format!("a key is of type {}; keys must be str", type_name(&key)),
                };
                item.flaw(FlawPlace::Key, String::new(), problem);
                continue;
            };
            let at = || format!("column {key:?}");
            let is_identifier = key == self.roles.phone_number || self.roles.ids.contains(&key);
            let value = if is_identifier {
                json::to_identifier(&value, &at)
            } else {
                json::to_json(&value, &at)
            };
            match value {
                Ok(value) => item.insert(key, value),
                Err(Unsendable::Refused(error)) => {
                    let (at, problem) = told(error);
                    item.flaw(FlawPlace::Column(key), at, problem);
                }
                Err(Unsendable::Interrupted(error)) => return Err(self.raise(error, row)),
            }
        }
        Ok(item)
    }

    /// A number that stands alone, as a row.
    fn number(&self, object: &Bound<'_, PyAny>, row: u64) -> Result<Item, SourceError> {
        let mut item = Item::default();
        match json::to_identifier(object, &String::new) {
            Ok(number) => item.insert(self.roles.phone_number.clone(), number),
            Err(Unsendable::Refused(error)) => {
                let (at, problem) = told(error);
                item.flaw(FlawPlace::Column(self.roles.phone_number.clone()), at, problem);
            }
            Err(Unsendable::Interrupted(error)) => return Err(self.raise(error, row)),
        }
        Ok(item)
    }

    fn raise(&self, error: PyErr, row: u64) -> SourceError {
        if self.kind == Kind::Blocks
            && let Some(refused) = Python::attach(|py| refused(py, &error))
        {
            return SourceError::Unreadable(refused);
        }
        *self.raised.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        SourceError::Raised { row }
    }
}

/// Where something is that can't be sent, and what is wrong with it.
fn told(error: Error) -> (String, String) {
    match error {
        Error::InvalidArgument { argument, problem } => (argument, problem),
        other => (String::new(), other.to_string()),
    }
}

/// What the code that makes blocks refuses; none where it raised anything else.
fn refused(py: Python<'_>, error: &PyErr) -> Option<Error> {
    let class = process::import(py, "revrag.errors")
        .and_then(|errors| errors.getattr("InvalidArgumentError"));
    if !error.matches(py, class.ok()?).ok()? {
        return None;
    }
    let text = error.value(py).str().ok()?.to_string();
    let (argument, problem) = text.split_once(": ").unwrap_or(("source", &text));
    Some(Error::invalid(argument, problem))
}

/// The batches of an Arrow table.
pub(crate) fn table(object: &Bound<'_, PyAny>) -> PyResult<Batches> {
    let total = object.len().ok().map(|rows| rows as u64);
    Ok(Batches::new(object.extract::<AnyRecordBatch>()?.into_reader()?, total))
}

/// A request for the next block.
pub(crate) struct Pull {
    pub(crate) of: Side,
    from_start: bool,
    reply: Sender<Result<Option<Block>, SourceError>>,
}

impl Pull {
    /// A request, and where its answer comes.
    pub(crate) fn new(
        of: Side,
        from_start: bool,
    ) -> (Self, Receiver<Result<Option<Block>, SourceError>>) {
        let (reply, answer) = channel();
        (Self { of, from_start, reply }, answer)
    }

    /// Reads the next block here, and hands it over.
    pub(crate) fn serve(self, py: Python<'_>, rows: &PythonRows) -> PyResult<()> {
        let block = rows.next(py, self.from_start);
        if let Err(SourceError::Raised { .. }) = &block {
            let mut raised = rows.raised.lock().unwrap_or_else(PoisonError::into_inner);
            // An interrupt is the caller's, not the source's.
            let is_exit =
                |error: &mut PyErr| !error.is_instance_of::<pyo3::exceptions::PyException>(py);
            if let Some(error) = raised.take_if(is_exit) {
                return Err(error);
            }
        }
        let _ = self.reply.send(block);
        Ok(())
    }
}

/// PythonRows that are read in the thread that reads.
pub(crate) struct Attached {
    rows: Arc<PythonRows>,
    begun: bool,
    total: Option<u64>,
}

impl Attached {
    pub(crate) fn new(rows: Arc<PythonRows>, total: Option<u64>) -> Self {
        Self { rows, begun: false, total }
    }
}

impl Source for Attached {
    fn is_uniform(&self) -> bool {
        false
    }

    fn total(&self) -> Option<u64> {
        self.total
    }

    fn next(&mut self) -> Result<Option<Block>, SourceError> {
        let from_start = !std::mem::replace(&mut self.begun, true);
        // Without an interpreter there are no rows, and nobody who waits for them.
        let next = Python::try_attach(|py| {
            let _stretch = process::Stretch::enter(py);
            self.rows.next(py, from_start)
        });
        next.unwrap_or(Ok(None))
    }
}
