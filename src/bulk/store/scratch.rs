//! A private file, gone with the process: for what a report needs without a journal, and for rows
//! that wait for a look. Where none can be had, memory takes its place.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};

/// A private file, if there is one.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    file: Option<File>,
    end: u64,
}

impl Scratch {
    /// Opens one, and tries it.
    pub(super) fn open() -> Self {
        let mut scratch = Self { file: tempfile::tempfile().ok(), end: 0 };
        if scratch.append(b"revrag").is_none() {
            scratch.file = None;
        }
        scratch
    }

    /// Writes `bytes` at the end, and tells where; none where they can't be written.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Option<(u64, u32)> {
        let length = u32::try_from(bytes.len()).ok()?;
        let (file, offset) = (self.file.as_mut()?, self.end);
        // What was written in part is written over.
        file.seek(SeekFrom::Start(offset)).ok()?;
        file.write_all(bytes).ok()?;
        self.end += u64::from(length);
        Some((offset, length))
    }

    /// Reads what was written.
    pub(super) fn read(&mut self, offset: u64, length: u32) -> Option<Vec<u8>> {
        let file = self.file.as_mut()?;
        let mut bytes = vec![0; length as usize];
        file.seek(SeekFrom::Start(offset)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }
}
