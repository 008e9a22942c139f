//! Plays uploads by the thousand: `simulate 0..1000000` plays each twice, as a seed has one story only;
//! with `once` after it, it plays more of them in the time; `simulate 12345` tells the story of one seed;
//! `simulate crowd 10000000` for what a look at a campaign with so many records takes.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

#[path = "mod.rs"]
mod simulation;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

fn main() -> ExitCode {
    let argument = std::env::args().nth(1).unwrap_or_else(|| "0..10000".to_owned());
    if argument == "crowd"
        && let Some(records) = std::env::args().nth(2).and_then(|count| count.parse().ok())
    {
        return crowd(records);
    }
    let try_seed: Option<fn(u64) -> simulation::Outcome> = match std::env::args().nth(2).as_deref()
    {
        None => Some(simulation::try_seed),
        Some("once") => Some(|seed| simulation::play(&simulation::Scenario::drawn(seed), false)),
        Some(_) => None,
    };
    let (Some((from, to)), Some(try_seed)) = (range(&argument), try_seed) else {
        eprintln!("usage: simulate SEED | FROM..TO [once] | crowd RECORDS");
        return ExitCode::from(2);
    };
    if to == from + 1 {
        println!("{}", simulation::tell(from));
        return ExitCode::SUCCESS;
    }
    let (next, failures) = (AtomicU64::new(from), AtomicU64::new(0));
    let (unknown, looks, applied) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let started = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= to || failures.load(Ordering::Relaxed) >= 20 {
                        return;
                    }
                    let outcome = try_seed(seed);
                    unknown.fetch_add(u64::from(outcome.unknown > 0), Ordering::Relaxed);
                    looks.fetch_add(outcome.looks, Ordering::Relaxed);
                    applied.fetch_add(outcome.applied, Ordering::Relaxed);
                    if let Some(violation) = outcome.violation {
                        failures.fetch_add(1, Ordering::Relaxed);
                        println!("seed {seed}: {violation}");
                    }
                }
            });
        }
    });
    let (seconds, failures) = (started.elapsed().as_secs_f64(), failures.into_inner());
    let played = next.into_inner().min(to) - from;
    #[allow(clippy::cast_precision_loss, reason = "few enough")]
    let a_minute = played as f64 / seconds * 60.0;
    println!(
        "{played} uploads from seed {from} in {seconds:.1} s ({a_minute:.0} a minute): {failures} \
         failures; {} ended with rows unknown, {} looks, {} records",
        unknown.into_inner(),
        looks.into_inner(),
        applied.into_inner(),
    );
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Plays an upload whose first request is lost, in an empty campaign and in a full one.
fn crowd(records: u64) -> ExitCode {
    let mut memory = [None, None];
    for (records, peak) in [0, records].into_iter().zip(&mut memory) {
        let started = Instant::now();
        let outcome = simulation::play(&simulation::Scenario::crowded(records), false);
        let (seconds, looks) = (started.elapsed().as_secs_f64(), outcome.looks);
        *peak = peak_memory();
        println!("{records} records of others: {looks} looks in {seconds:.1} s");
        if let Some(violation) = outcome.violation {
            println!("{violation}");
            return ExitCode::FAILURE;
        }
        if looks == 0 || outcome.unknown > 0 {
            println!("{} rows are unknown after {looks} looks", outcome.unknown);
            return ExitCode::FAILURE;
        }
    }
    if let [Some(empty), Some(full)] = memory {
        #[allow(clippy::cast_precision_loss, reason = "few enough")]
        let (more, records) = ((full - empty) as f64, records.max(1) as f64);
        println!("{:.1} MB more, {:.1} bytes a record", more / 1e6, more / records);
    }
    ExitCode::SUCCESS
}

/// The most memory that this process ever had, in bytes; known on Linux alone.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

fn range(text: &str) -> Option<(u64, u64)> {
    match text.split_once("..") {
        Some((from, to)) => Some((from.parse().ok()?, to.parse().ok()?)),
        None => text.parse().ok().map(|seed: u64| (seed, seed + 1)),
    }
}
