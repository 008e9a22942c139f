//! Any CSV file, read to its end or to its first fault.

use std::io::Cursor;

use revrag::bulk::source::{Block, Format, csv};
use revrag::error::masked;

/// One input.
pub fn run(data: &[u8]) {
    let format = Format { max_field_bytes: 200, ..Format::default() };
    let mut source = match csv(Cursor::new(data.to_vec()), &format, "leads.csv") {
        Ok(source) => source,
        Err(error) => return told(&error.to_string()),
    };
    let (mut rows, mut columns) = (0, None);
    loop {
        match source.next() {
            Ok(Some(Block::Batch(batch))) => {
                assert_eq!(*columns.get_or_insert(batch.num_columns()), batch.num_columns());
                rows += batch.num_rows();
            }
            Ok(Some(Block::Objects(_))) => unreachable!("a table"),
            Ok(None) => break,
            Err(error) => {
                // The row is the one after those that were read; or it is the header that can't be.
                let error = error.to_string();
                let is_header = rows == 0 && error.contains("the header");
                assert!(is_header || error.contains(&format!("row {rows}")), "{error}");
                let _ = source.advised();
                told(&error);
                break;
            }
        }
    }
}

/// Errors are short, and hold nothing that looks like a phone number.
fn told(error: &str) {
    assert!(error.len() < 500, "{error}");
    assert_eq!(masked(error), error);
}
