//! What was accepted, in a SQLite file that outlives a kill.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, params};
use uuid::Uuid;

use crate::failure::{Failure, Kind};
use revrag::Secret;

/// That it is one of ours: "rvlb".
const APPLICATION_ID: i32 = 0x7276_6c62;
const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS campaign (
        id BLOB PRIMARY KEY, cutoff INTEGER, has_begun INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS call (
        id BLOB PRIMARY KEY, campaign BLOB NOT NULL, fate TEXT NOT NULL
    ) WITHOUT ROWID;
";

/// What has become of a call that needs no more attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// The application accepted it.
    Accepted,
    /// It had ended before anybody listened.
    Before,
    /// The filters do not let it pass.
    PassedOver,
}

impl Done {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Before => "before",
            Self::PassedOver => "passed_over",
        }
    }
}

/// The book. Only one process at a time has it open.
#[derive(Debug)]
pub(super) struct Book {
    path: PathBuf,
    sqlite: Connection,
}

impl Book {
    /// Opens it, or makes it, for this process alone.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let opened = || {
            let sqlite = Connection::open(path)?;
            private(path);
            sqlite.busy_timeout(Duration::from_millis(200))?;
            // The lock is taken once and held: two listeners would deliver each call twice. It goes
            // with the process, however that ends.
            sqlite.execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;")?;
            let owner: i32 = sqlite.pragma_query_value(None, "application_id", |row| row.get(0))?;
            let is_new: bool =
                sqlite.query_row("SELECT count(*) = 0 FROM sqlite_master", [], |row| row.get(0))?;
            if owner != APPLICATION_ID && !is_new {
                return Ok(None);
            }
            sqlite.execute_batch(SCHEMA)?;
            sqlite.pragma_update(None, "application_id", APPLICATION_ID)?;
            sqlite
                .execute_batch("COMMIT; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;")?;
            Ok(Some(sqlite))
        };
        let book = |sqlite| Self { path: path.to_owned(), sqlite };
        match opened() {
            Ok(Some(sqlite)) => Ok(book(sqlite)),
            Ok(None) => Err(refused(path, "it is a database of something else; name another file")),
            Err(error) => Err(told(path, &error)),
        }
    }

    /// The secret that was made for it, or a new one, kept from now on.
    pub(super) fn secret(&self, make: impl FnOnce() -> Secret) -> Result<Secret, Failure> {
        let kept =
            self.sqlite.query_row("SELECT value FROM setting WHERE name = 'secret'", [], |row| {
                row.get::<_, String>(0)
            });
        if let Some(secret) = self.checked(kept.optional())? {
            return Ok(Secret::new(secret));
        }
        let secret = make();
        let insert = "INSERT INTO setting VALUES ('secret', ?)";
        self.checked(self.sqlite.execute(insert, [secret.expose()]))?;
        Ok(secret)
    }

    /// From when on a campaign is listened to: a moment, or none where the calls that had ended
    /// before are known one by one. `asked` reaches back further, or changes nothing.
    pub(super) fn begin(&self, campaign: Uuid, asked: Option<i64>) -> Result<Beginning, Failure> {
        let kept = self.sqlite.query_row(
            "SELECT cutoff, has_begun FROM campaign WHERE id = ?",
            [campaign.as_bytes()],
            |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, bool>(1)?)),
        );
        let kept = self.checked(kept.optional())?;
        let beginning = match (kept, asked) {
            (Some((cutoff, has_begun)), None) => Beginning { cutoff, has_begun },
            (Some((Some(cutoff), _)), Some(asked)) => {
                if asked < cutoff {
                    self.look_again(campaign)?;
                }
                Beginning { cutoff: Some(cutoff.min(asked)), has_begun: true }
            }
            (_, Some(asked)) => {
                self.look_again(campaign)?;
                Beginning { cutoff: Some(asked), has_begun: true }
            }
            (None, None) => Beginning { cutoff: None, has_begun: false },
        };
        let replace = "INSERT OR REPLACE INTO campaign VALUES (?, ?, ?)";
        let row = params![campaign.as_bytes(), beginning.cutoff, beginning.has_begun];
        self.checked(self.sqlite.execute(replace, row))?;
        Ok(beginning)
    }

    /// What was too early for another beginning may not be for this one.
    fn look_again(&self, campaign: Uuid) -> Result<(), Failure> {
        let delete = "DELETE FROM call WHERE campaign = ? AND fate <> 'accepted'";
        self.checked(self.sqlite.execute(delete, [campaign.as_bytes()])).map(|_| ())
    }

    /// The first look at a campaign is over: these calls had ended before. All of them, or none.
    pub(super) fn begun(&mut self, campaign: Uuid, calls: &[Uuid]) -> Result<(), Failure> {
        let mut written = || {
            let all = self.sqlite.transaction()?;
            {
                let mut insert = all.prepare("INSERT OR IGNORE INTO call VALUES (?, ?, ?)")?;
                for call in calls {
                    let fate = Done::Before.as_str();
                    insert.execute(params![call.as_bytes(), campaign.as_bytes(), fate])?;
                }
                all.execute(
                    "UPDATE campaign SET has_begun = TRUE WHERE id = ?",
                    [campaign.as_bytes()],
                )?;
            }
            all.commit()
        };
        written().map_err(|error| told(&self.path, &error))
    }

    /// Writes down that a call needs no more attention.
    pub(super) fn done(&self, campaign: Uuid, call: Uuid, done: Done) -> Result<(), Failure> {
        let insert = self.sqlite.prepare_cached("INSERT OR REPLACE INTO call VALUES (?, ?, ?)");
        let written = insert.and_then(|mut insert| {
            insert.execute(params![call.as_bytes(), campaign.as_bytes(), done.as_str()])
        });
        self.checked(written).map(|_| ())
    }

    /// The calls of a campaign that need no more attention. What filters passed over is sieved anew:
    /// they may be others now.
    pub(super) fn known(&self, campaign: Uuid) -> Result<HashSet<Uuid>, Failure> {
        let read = || {
            let known = "SELECT id FROM call WHERE campaign = ? AND fate <> 'passed_over'";
            let mut known = self.sqlite.prepare(known)?;
            let rows = known.query_map([campaign.as_bytes()], |row| row.get::<_, [u8; 16]>(0))?;
            rows.map(|id| id.map(Uuid::from_bytes)).collect()
        };
        self.checked(read())
    }

    fn checked<T>(&self, result: rusqlite::Result<T>) -> Result<T, Failure> {
        result.map_err(|error| told(&self.path, &error))
    }
}

/// From when on a campaign is listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Beginning {
    /// In Unix milliseconds.
    pub(super) cutoff: Option<i64>,
    /// Whether the calls that had ended before are known.
    pub(super) has_begun: bool,
}

/// A secret may be in it.
#[cfg(unix)]
fn private(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let _ = std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600));
}

#[cfg(not(unix))]
fn private(_: &Path) {}

fn refused(path: &Path, problem: &str) -> Failure {
    Failure::Told(Kind::Usage, format!("--state {}: {problem}", path.display()))
}

fn told(path: &Path, error: &rusqlite::Error) -> Failure {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => refused(
            path,
            "another `revrag listen` forwards to this URL already; end it, or name another file",
        ),
        Some(ErrorCode::NotADatabase) => refused(path, "it is no database; name another file"),
        _ => refused(path, &error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAMPAIGN: Uuid = Uuid::from_u128(1);

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    #[test]
    fn what_was_written_down_is_there_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let mut book = Book::open(&path).unwrap();
        let fresh = Beginning { cutoff: None, has_begun: false };
        assert_eq!(book.begin(CAMPAIGN, None).unwrap(), fresh);
        // Killed before the first look was over: there was none.
        assert_eq!(book.begin(CAMPAIGN, None).unwrap(), fresh);
        book.begun(CAMPAIGN, &[id(2), id(3)]).unwrap();
        book.done(CAMPAIGN, id(4), Done::Accepted).unwrap();
        book.done(CAMPAIGN, id(5), Done::PassedOver).unwrap();
        let secret = book.secret(|| Secret::new("s1")).unwrap();
        drop(book);
        let book = Book::open(&path).unwrap();
        assert_eq!(book.secret(|| Secret::new("s2")).unwrap().expose(), secret.expose());
        let begun = Beginning { cutoff: None, has_begun: true };
        assert_eq!(book.begin(CAMPAIGN, None).unwrap(), begun);
        assert_eq!(book.known(CAMPAIGN).unwrap(), HashSet::from([id(2), id(3), id(4)]));
        assert!(book.known(id(9)).unwrap().is_empty());
    }

    #[test]
    fn a_beginning_only_ever_moves_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut book = Book::open(&folder.path().join("state")).unwrap();
        let cutoff = |book: &Book, asked| book.begin(CAMPAIGN, asked).unwrap().cutoff;
        book.begin(CAMPAIGN, None).unwrap();
        book.begun(CAMPAIGN, &[id(2)]).unwrap();
        book.done(CAMPAIGN, id(4), Done::Accepted).unwrap();
        // The two hours before a later start are fewer: what was to come is still to come.
        assert_eq!(cutoff(&book, Some(1_000)), Some(1_000));
        assert_eq!(book.known(CAMPAIGN).unwrap(), HashSet::from([id(4)]));
        assert_eq!(cutoff(&book, Some(2_000)), Some(1_000));
        assert_eq!(cutoff(&book, None), Some(1_000));
        assert_eq!(cutoff(&book, Some(500)), Some(500));
    }

    #[test]
    fn one_listens_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let book = Book::open(&path).unwrap();
        assert!(
            matches!(Book::open(&path), Err(Failure::Told(Kind::Usage, text)) if text.contains("already"))
        );
        drop(book);
        Book::open(&path).unwrap();
        std::fs::write(&path, "something else").unwrap();
        assert!(matches!(Book::open(&path), Err(Failure::Told(Kind::Usage, _))));
    }
}
