//! A body from a file or from standard input, to the byte.

use std::io::Read as _;
use std::path::Path;

use crate::failure::Failure;

/// The most that is read of one.
const MOST: u64 = 256 << 20;

/// Reads it; `-` is standard input.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin().lock().take(MOST + 1).read_to_end(&mut body)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MOST + 1).read_to_end(&mut body))
    };
    read.map_err(|error| Failure::file(path, &error))?;
    if body.len() as u64 > MOST {
        let problem =
            format!("{}: it is larger than 256 MiB, which no delivery is", path.display());
        return Err(Failure::flag("BODY", problem));
    }
    Ok(body)
}
