//! What the application's own log says of the calls that it handled.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::failure::Failure;

/// A log that is written while it is read.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    /// Where it ended before anything was delivered.
    start: u64,
    /// Lines for a call that was handled once.
    measure: u64,
}

/// How long a line may take.
const PATIENCE: Duration = Duration::from_millis(1500);
/// How long a second line may take, or one that should not come.
const QUIET: Duration = Duration::from_millis(250);
const PAUSE: Duration = Duration::from_millis(25);

impl Log {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let length = std::fs::metadata(path).map_err(|error| Failure::file(path, &error))?.len();
        Ok(Self { path: path.to_owned(), start: length, measure: 1 })
    }

    /// How often a call was handled. The first one was so once: it gives the measure, since an
    /// application may write several lines for each.
    pub(super) async fn handled(&mut self, is_first: bool, call: &str) -> Result<u64, Failure> {
        let mut waited = Duration::ZERO;
        let (mut lines, mut quiet) = (self.lines(call)?, Duration::ZERO);
        // What is refused leaves no line at all, so there is an end to waiting for one.
        while quiet < QUIET || (is_first && lines == 0 && waited < PATIENCE) {
            tokio::time::sleep(PAUSE).await;
            waited += PAUSE;
            quiet += PAUSE;
            let now = self.lines(call)?;
            if now != lines {
                (lines, quiet) = (now, Duration::ZERO);
            }
        }
        if is_first {
            self.measure = lines.max(1);
        }
        Ok(lines.div_ceil(self.measure))
    }

    fn lines(&self, call: &str) -> Result<u64, Failure> {
        let refuse = |error| Failure::file(&self.path, &error);
        let mut file = File::open(&self.path).map_err(refuse)?;
        let length = file.metadata().map_err(refuse)?.len();
        // A shorter one was begun anew.
        file.seek(SeekFrom::Start(if length < self.start { 0 } else { self.start }))
            .map_err(refuse)?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(refuse)?;
        Ok(memchr::memmem::find_iter(&text, call).count() as u64)
    }
}
