//! A campaign that only counts and answers, for the upload benchmarks.
//!
//! It costs next to nothing, so that the clients are measured and not the service: a thread per
//! connection, no JSON parser. Every record is accepted, with its number as it came and a run id of
//! its own. `GET …/status` tells how many there were. It prints its port and runs until its stdin
//! ends.
//!
//! Usage: `counting_server [OTHERS [LOST [REFUSED]]]`. With `OTHERS`, so many records of somebody
//! else are there, and what was pushed is kept and listed after them. Of each `LOST` pushes one is
//! applied and its connection ends without an answer; the first `REFUSED` end so, and are not applied.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

static RECORDS: AtomicU64 = AtomicU64::new(0);
static PUSHES: AtomicU64 = AtomicU64::new(0);
static KEPT: Mutex<Vec<Record>> = Mutex::new(Vec::new());

const NUMBER: &[u8] = b"\"phone_number\"";
const SESSION: &[u8] = b"\"app_session_id\"";
const HEX: &[u8; 16] = b"0123456789abcdef";

/// What the service is like.
#[derive(Clone, Copy)]
struct Habits {
    /// None if nothing is listed.
    others: Option<u64>,
    lost: u64,
    refused: u64,
}

/// What was pushed, as far as it is listed.
struct Record {
    run: u64,
    number: Box<[u8]>,
    session: Box<[u8]>,
}

fn main() -> io::Result<()> {
    let mut numbers = std::env::args().skip(1).map(|number| number.parse().unwrap_or(0));
    let others = numbers.next();
    let (lost, refused) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    let habits = Habits { others, lost, refused };
    RECORDS.store(others.unwrap_or(0), Ordering::Relaxed);
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    writeln!(io::stdout(), "{}", listener.local_addr()?.port())?;
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            // A client that hangs up ends its thread, and nothing else.
            thread::spawn(move || serve(connection, habits));
        }
    });
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn serve(mut connection: TcpStream, habits: Habits) -> io::Result<()> {
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
            let number = PUSHES.fetch_add(1, Ordering::Relaxed) + 1;
            if number <= habits.refused {
                return Ok(());
            }
            push(request.get(head..).unwrap_or_default(), habits.others.is_some(), &mut body);
            if habits.lost > 0 && number.is_multiple_of(habits.lost) {
                return Ok(());
            }
        } else if contains(request, b"/status ") {
            status(&mut body)?;
        } else {
            let asked = |name| query(request.get(..head).unwrap_or_default(), name);
            page(
                asked("page=").unwrap_or(1),
                asked("page_size=").unwrap_or(50),
                habits,
                &mut body,
            )?;
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
fn push(mut records: &[u8], keeps: bool, body: &mut Vec<u8>) {
    let mut count = 0;
    let mut results = Vec::with_capacity(records.len());
    let mut kept = Vec::new();
    while let Some((number, rest)) = next(records, NUMBER) {
        let run = RECORDS.fetch_add(1, Ordering::Relaxed);
        if keeps {
            let session = next(rest, SESSION).map(|(session, _)| session).unwrap_or_default();
            kept.push(Record { run, number: number.into(), session: session.into() });
        }
        results.extend_from_slice(if count == 0 { b"" } else { b"," });
        results.extend_from_slice(br#"{"phone_number":""#);
        results.extend_from_slice(number);
        results.extend_from_slice(br#"","accepted":true,"run_id":""#);
        run_id(run, &mut results);
        results.extend_from_slice(br#"","status":"queued","error":null}"#);
        records = rest;
        count += 1;
    }
    body.extend_from_slice(format!(r#"{{"accepted":{count},"rejected":0,"results":["#).as_bytes());
    body.extend_from_slice(&results);
    body.extend_from_slice(b"]}");
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).append(&mut kept);
}

/// The next text under a key as it stands in its quotes, and what follows it.
fn next<'a>(records: &'a [u8], key: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let mut rest = records;
    loop {
        let quote = rest.iter().position(|byte| *byte == b'"')?;
        rest = rest.get(quote..)?;
        if let Some(after) = rest.strip_prefix(key) {
            let open = after.iter().position(|byte| *byte == b'"')?;
            let value = after.get(open + 1..)?;
            let close = value.iter().position(|byte| *byte == b'"')?;
            return Some((value.get(..close)?, value.get(close + 1..)?));
        }
        rest = rest.get(1..)?;
    }
}

/// A number of a request's query.
fn query(head: &[u8], name: &str) -> Option<u64> {
    let line = String::from_utf8_lossy(head.split(|byte| *byte == b'\r').next()?).into_owned();
    let (_, query) = line.split_whitespace().nth(1)?.split_once('?')?;
    query.split('&').find_map(|part| part.strip_prefix(name))?.parse().ok()
}

/// A page of the listing: others first, then what was pushed.
fn page(number: u64, size: u64, habits: Habits, body: &mut Vec<u8>) -> io::Result<()> {
    let others = habits.others.unwrap_or(0);
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let total = others + kept.len() as u64;
    let first = number.saturating_sub(1).saturating_mul(size).min(total);
    let last = (first + size).min(total);
    body.extend_from_slice(br#"{"items":["#);
    for at in first..last {
        body.extend_from_slice(if at == first { b"" } else { b"," });
        let ours = at.checked_sub(others).and_then(|at| kept.get(usize::try_from(at).ok()?));
        if let Some(record) = ours {
            item(record.run, &record.number, &record.session, body)?;
        } else {
            let number = format!("+9177{:08}", at % 100_000_000);
            item(at, number.as_bytes(), format!("sess_{at}").as_bytes(), body)?;
        }
    }
    let more = last < total;
    write!(body, r#"],"total":{total},"has_more":{more},"page":{number},"page_size":{size}}}"#)
}

/// A record with all its documented fields.
fn item(run: u64, number: &[u8], session: &[u8], body: &mut Vec<u8>) -> io::Result<()> {
    body.extend_from_slice(br#"{"id":""#);
    run_id(run, body);
    body.extend_from_slice(
        br#"","campaign_id":"11111111-1111-1111-1111-111111111111","workspace_id":"22222222-2222-2222-2222-222222222222","phone_number":""#,
    );
    body.extend_from_slice(number);
    write!(
        body,
        r#"","status":"completed","variables":{{"first_name":"Pankaj","company":"Acme Industries, branch {}","amount":{}.5,"visits":{}}},"app_user_id":null,"app_session_id":""#,
        run % 977,
        run % 1_000_003,
        run % 31
    )?;
    body.extend_from_slice(session);
    body.extend_from_slice(br#"","attempt_count":1,"max_attempts":3,"call_history":[{"call_id":""#);
    run_id(!run, body);
    body.extend_from_slice(
        br#"","status":"completed"}],"next_attempt_at":null,"dnc_at":null,"dnc_reason":null,"created_at":"2026-05-27T03:00:00.000000+00:00","updated_at":"2026-05-27T03:05:12.000000+00:00"}"#,
    );
    Ok(())
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
