//! How long a page of a listing takes to be read, checked from end to end, with each record's fields
//! found: the median of so many rounds over the lines of a file, each of which is a page. It prints
//! seconds for all of them.

use std::hint::black_box;
use std::io::{self, Write as _};
use std::time::Instant;
use std::{env, fs};

use bytes::Bytes;
use revrag::model::{Document, RecordPage};

fn main() -> io::Result<()> {
    let mut arguments = env::args().skip(1);
    let text = Bytes::from(fs::read(arguments.next().unwrap_or_default())?);
    let rounds = arguments.next().and_then(|rounds| rounds.parse().ok()).unwrap_or(31);
    let pages: Vec<Bytes> = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| text.slice_ref(line))
        .collect();
    let mut taken = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let started = Instant::now();
        for page in &pages {
            let page = Document::<RecordPage>::read(page).map_err(io::Error::other)?;
            black_box(&page);
        }
        taken.push(started.elapsed().as_secs_f64());
    }
    taken.sort_by(f64::total_cmp);
    writeln!(io::stdout(), "{:.6}", taken.get(rounds / 2).copied().unwrap_or_default())
}
