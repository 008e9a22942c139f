//! Plays uploads by the thousand: `simulate 0..1000000`, `simulate 12345` for the story of one seed.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]

#[path = "mod.rs"]
mod simulation;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

fn main() -> ExitCode {
    let argument = std::env::args().nth(1).unwrap_or_else(|| "0..10000".to_owned());
    let Some((from, to)) = range(&argument) else {
        eprintln!("usage: simulate SEED | FROM..TO");
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
                    let outcome = simulation::try_seed(seed);
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

fn range(text: &str) -> Option<(u64, u64)> {
    match text.split_once("..") {
        Some((from, to)) => Some((from.parse().ok()?, to.parse().ok()?)),
        None => text.parse().ok().map(|seed: u64| (seed, seed + 1)),
    }
}
