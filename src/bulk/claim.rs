//! One upload of a name at a time on one machine, with a journal or without: a lock that dies with its
//! process, and tells the next whether it was cut off.

use std::fs::{File, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{Error, Result};

/// The right to upload rows of one name into one campaign. Where no file can be made, it is given
/// out without one.
#[derive(Debug)]
pub(super) struct Claim {
    file: Option<(File, PathBuf)>,
    was_cut_off: bool,
}

impl Claim {
    /// Claims a name, or none, for this process.
    pub(super) fn take(base_url: &str, campaign: Uuid, name: Option<&str>) -> Result<Self> {
        let nobodys = Self { file: None, was_cut_off: false };
        let Some(folder) = folder() else { return Ok(nobodys) };
        let what = format!(
            "{base_url}\n{campaign}\n{}",
            name.map_or(String::new(), |it| format!("{it:?}"))
        );
        let digest = hex::encode(&Sha256::digest(what.as_bytes())[..16]);
        let path = folder.join(format!("{digest}.lock"));
        // One that was let go of meanwhile is under no name any more.
        for _ in 0..100 {
            let Some(mut file) = open(&path) else { return Ok(nobodys) };
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(taken(campaign, name)),
                Err(TryLockError::Error(_)) => return Ok(nobodys),
            }
            if !is_under(&file, &path) {
                continue;
            }
            let was_cut_off = file.metadata().is_ok_and(|metadata| metadata.len() > 0);
            // It stays there unless the upload ends well.
            let _ = file.write_all(b"under way\n");
            return Ok(Self { file: Some((file, path)), was_cut_off });
        }
        Err(taken(campaign, name))
    }

    /// Whether the upload before was cut off: what it sent last may be applied yet.
    pub(super) const fn was_cut_off(&self) -> bool {
        self.was_cut_off
    }

    /// The upload has ended, and nothing of it is on its way.
    pub(super) fn end(&mut self) {
        if let Some((file, path)) = self.file.take() {
            let _ = file.set_len(0);
            #[cfg(unix)]
            let _ = std::fs::remove_file(path);
            #[cfg(not(unix))]
            drop(path);
        }
    }
}

fn taken(campaign: Uuid, name: Option<&str>) -> Error {
    let name =
        name.map_or_else(|| "without a name".to_owned(), |name| format!("of the name {name:?}"));
    Error::Journal(format!(
        "another upload {name} into the campaign {campaign} is under way on this machine; wait for its \
         end, and call again: what it sent is recognised then"
    ))
}

/// A folder of the user's own, so that nobody else can put a file there.
fn folder() -> Option<PathBuf> {
    let state =
        std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home =
        || Some(std::env::home_dir().filter(|path| path.is_absolute())?.join(".local/state"));
    let candidates = [state.or_else(home), Some(std::env::temp_dir())];
    candidates.into_iter().flatten().map(|path| path.join("revrag")).find(|path| make(path))
}

fn make(folder: &Path) -> bool {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).is_ok()
        && std::fs::symlink_metadata(folder).is_ok_and(|metadata| metadata.is_dir())
        && tempfile::tempfile_in(folder).is_ok()
}

fn open(path: &Path) -> Option<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).ok()
}

/// Whether a file is still the one under its name.
#[cfg(unix)]
fn is_under(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

/// Where an open file can't be taken away, it is.
#[cfg(not(unix))]
fn is_under(_: &File, _: &Path) -> bool {
    true
}
