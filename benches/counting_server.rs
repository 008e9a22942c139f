//! A campaign that only counts and answers, for the upload benchmarks.
//!
//! It costs next to nothing, so that the clients are measured and not the service: a thread per
//! connection, no JSON parser. Every record is accepted, with its number as it came and a run id of
//! its own. `GET …/status` tells how many there were. It prints its port and runs until its stdin
//! ends.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

static RECORDS: AtomicU64 = AtomicU64::new(0);

const KEY: &[u8] = b"\"phone_number\"";
const HEX: &[u8; 16] = b"0123456789abcdef";

fn main() -> io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    writeln!(io::stdout(), "{}", listener.local_addr()?.port())?;
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // A client that hangs up ends its thread, and nothing else.
            thread::spawn(move || serve(connection));
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn serve(mut connection: TcpStream) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut input = Input { buffer: vec![0; 1 << 20], filled: 0 };
    let mut body = Vec::with_capacity(1 << 20);
    let mut output = Vec::with_capacity(1 << 20);
    loop {
        let Some(head) = input.read_until(&mut connection, end_of_head)? else { return Ok(()) };
        let end = head + content_length(input.until(head));
        let whole = |read: &[u8]| (read.len() >= end).then_some(end);
        if input.read_until(&mut connection, whole)?.is_none() {
            return Ok(());
        }
        let request = input.until(end);
        body.clear();
        if request.starts_with(b"POST") {
            push(request.get(head..).unwrap_or_default(), &mut body);
        } else if contains(request, b"/status ") {
            status(&mut body)?;
        } else {
            body.extend_from_slice(
                br#"{"items":[],"total":0,"has_more":false,"page":1,"page_size":200}"#,
            );
        }
        input.forget(end);
        output.clear();
        write!(
            output,
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        )?;
        output.extend_from_slice(&body);
        connection.write_all(&output)?;
    }
}

/// What has come over a connection and was not answered yet.
struct Input {
    buffer: Vec<u8>,
    filled: usize,
}

impl Input {
    fn until(&self, end: usize) -> &[u8] {
        self.buffer.get(..end.min(self.filled)).unwrap_or_default()
    }

    /// Reads until `done` finds its place, or the connection ends.
    fn read_until(
        &mut self,
        connection: &mut TcpStream,
        done: impl Fn(&[u8]) -> Option<usize>,
    ) -> io::Result<Option<usize>> {
        loop {
            if let Some(place) = done(self.until(self.filled)) {
                return Ok(Some(place));
            }
            if self.filled == self.buffer.len() {
                self.buffer.resize(self.filled * 2, 0);
            }
            match connection.read(self.buffer.get_mut(self.filled..).unwrap_or_default())? {
                0 => return Ok(None),
                count => self.filled += count,
            }
        }
    }

    fn forget(&mut self, end: usize) {
        self.buffer.copy_within(end..self.filled, 0);
        self.filled -= end;
    }
}

fn end_of_head(input: &[u8]) -> Option<usize> {
    input.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4)
}

fn content_length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let value = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// The documented answer: one result for each record, found by its number's key.
fn push(mut records: &[u8], body: &mut Vec<u8>) {
    let mut count = 0;
    let mut results = Vec::with_capacity(records.len());
    while let Some((number, rest)) = next_number(records) {
        results.extend_from_slice(if count == 0 { b"" } else { b"," });
        results.extend_from_slice(br#"{"phone_number":""#);
        results.extend_from_slice(number);
        results.extend_from_slice(br#"","accepted":true,"run_id":""#);
        run_id(RECORDS.fetch_add(1, Ordering::Relaxed), &mut results);
        results.extend_from_slice(br#"","status":"queued","error":null}"#);
        records = rest;
        count += 1;
    }
    body.extend_from_slice(format!(r#"{{"accepted":{count},"rejected":0,"results":["#).as_bytes());
    body.extend_from_slice(&results);
    body.extend_from_slice(b"]}");
}

/// The next number as it stands in its quotes, and what follows it.
fn next_number(records: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = records;
    loop {
        let quote = rest.iter().position(|byte| *byte == b'"')?;
        rest = rest.get(quote..)?;
        if let Some(after) = rest.strip_prefix(KEY) {
            let open = after.iter().position(|byte| *byte == b'"')?;
            let value = after.get(open + 1..)?;
            let close = value.iter().position(|byte| *byte == b'"')?;
            return Some((value.get(..close)?, value.get(close + 1..)?));
        }
        rest = rest.get(1..)?;
    }
}

/// A UUID that looks like any other, and is never given twice.
fn run_id(number: u64, text: &mut Vec<u8>) {
    let (high, low) = (mixed(number), number ^ 0x5bd1_e995_9e37_79b9);
    let bytes = high.to_be_bytes().into_iter().chain(low.to_be_bytes());
    for (index, byte) in bytes.enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push(b'-');
        }
        let byte = match index {
            6 => byte & 0x0f | 0x40,
            8 => byte & 0x3f | 0x80,
            _ => byte,
        };
        text.push(HEX.get(usize::from(byte >> 4)).copied().unwrap_or(b'0'));
        text.push(HEX.get(usize::from(byte & 15)).copied().unwrap_or(b'0'));
    }
}

/// The finalizer of `SplitMix64`.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn status(body: &mut Vec<u8>) -> io::Result<()> {
    let total = RECORDS.load(Ordering::Relaxed);
    write!(
        body,
        r#"{{"campaign_id":"11111111-1111-1111-1111-111111111111","status":"running","stats":{{"total_records":{total},"queued":{total},"in_progress":0,"completed":0,"failed":0,"dnc":0,"rescheduled":0,"retry_pending":0,"follow_up_pending":0}}}}"#
    )
}
