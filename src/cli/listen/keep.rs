//! A copy of each event, in JSON lines.

use std::collections::HashSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

use super::carry::Event;
use crate::failure::Failure;
use revrag::webhook::CALL_ENDED;

/// The file, and what is in it.
#[derive(Debug)]
pub(super) struct Keeper {
    path: PathBuf,
    file: File,
    ids: HashSet<String>,
}

/// What is read of a line.
#[derive(Deserialize)]
struct Line {
    id: String,
}

impl Keeper {
    /// Opens the file, or makes it. A line that a kill cut short is taken away: its event comes
    /// again.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let refuse = |error| Failure::file(path, &error);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(refuse)?;
        let (mut ids, mut whole) = (HashSet::new(), 0);
        let mut reader = BufReader::new(&file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line).map_err(refuse)?;
            if length == 0 {
                break;
            }
            if !line.ends_with(b"\n") {
                if line.starts_with(b"{\"id\":") {
                    break;
                }
                let problem =
                    format!("{}: it does not hold events; name another file", path.display());
                return Err(Failure::flag("save", problem));
            }
            whole += length as u64;
            ids.extend(serde_json::from_slice::<Line>(&line).ok().map(|line| line.id));
        }
        file.set_len(whole).map_err(refuse)?;
        file.seek(SeekFrom::Start(whole)).map_err(refuse)?;
        Ok(Self { path: path.to_owned(), file, ids })
    }

    /// Writes an event down, unless it is there.
    pub(super) fn keep(&mut self, event: &Event) -> Result<(), Failure> {
        if !self.ids.insert(event.id.clone()) {
            return Ok(());
        }
        let mut line = format!("{{\"id\":\"{}\",\"type\":\"{CALL_ENDED}\",\"payload\":", event.id)
            .into_bytes();
        // On one line, whatever it came as; and half a surrogate pair is no JSON for most readers.
        let text = String::from_utf8_lossy(&event.body);
        match RawValue::from_string(text.into_owned()) {
            Ok(raw) if !raw.get().contains('\n') => line.extend_from_slice(raw.get().as_bytes()),
            Ok(raw) => {
                let value: serde_json::Value = serde_json::from_str(raw.get()).unwrap_or_default();
                line.extend_from_slice(value.to_string().as_bytes());
            }
            Err(_) => line.extend_from_slice(b"null"),
        }
        line.extend_from_slice(b"}\n");
        self.file.write_all(&line).map_err(|error| Failure::file(&self.path, &error))
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use uuid::Uuid;

    use super::*;

    fn event(id: &str) -> Event {
        Event {
            campaign: Uuid::nil(),
            call: Uuid::nil(),
            id: id.to_owned(),
            status: None,
            attempt: None,
            ended: None,
            duration: None,
            body: Bytes::from_static(b"{\"call_id\":\n\"c\"}"),
        }
    }

    #[test]
    fn an_event_is_kept_once_though_a_line_was_cut_short() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        Keeper::open(&path).unwrap().keep(&event("evt_1")).unwrap();
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&whole[..], b"{\"id\":\"evt_2\",\"ty"].concat()).unwrap();
        let mut keeper = Keeper::open(&path).unwrap();
        for id in ["evt_1", "evt_2", "evt_2"] {
            keeper.keep(&event(id)).unwrap();
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let ids: Vec<_> =
            text.lines().map(|line| serde_json::from_str::<Line>(line).unwrap().id).collect();
        assert_eq!(ids, ["evt_1", "evt_2"]);
        assert!(text.contains(r#""payload":{"call_id":"c"}"#), "{text}");
    }

    #[test]
    fn what_holds_something_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("novel");
        std::fs::write(&path, "It was a dark and stormy night").unwrap();
        assert!(Keeper::open(&path).is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "It was a dark and stormy night");
    }
}
