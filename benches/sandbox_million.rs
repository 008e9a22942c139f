//! A million records, pushed over HTTP and run to the end by hand, while the campaign is looked at:
//! `cargo run --profile quick -p revrag-sandbox --example sandbox_million -- 1000000`.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use revrag::http::{Client, Config, Options, RecordsQuery};
use revrag::model::NewRecord;
use revrag_sandbox::engine::Target;
use revrag_sandbox::outcome::Outcome;
use revrag_sandbox::settings::Window;
use revrag_sandbox::time::Seconds;
use revrag_sandbox::{self as sandbox, Pace, Sandbox, Settings};
use serde_json::json;

/// As many as an upload sends at a time.
const BATCH: usize = 500;

fn client(sandbox: &Sandbox) -> Client {
    let options = Options {
        api_key: Some(sandbox.config().api_key.clone()),
        base_url: Some(sandbox.url()),
        ..Options::default()
    };
    Client::new(Config::resolve(&options, |_| None).unwrap())
}

fn lead(number: usize) -> NewRecord {
    let variables = json!({"first_name": "Riya", "company": format!("Company {number}")});
    NewRecord {
        phone_number: format!("+9198{number:08}"),
        variables: variables.as_object().cloned(),
        app_user_id: Some(format!("user_{number}")),
        app_session_id: Some(format!("0f8e-{number}")),
    }
}

/// The peak of resident memory, in megabytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok());
    kilobytes.unwrap_or(0_u64) / 1024
}

/// Asks for the status and for pages, near and deep, until told to stop; how long each took.
async fn look(client: Client, id: uuid::Uuid, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let mut took = Vec::new();
    let mut turn = 0_usize;
    while !stop.load(Ordering::Relaxed) {
        let started = Instant::now();
        client.campaign_status(id).await.unwrap();
        took.push(started.elapsed());
        let status = ["queued", "completed", "retry_pending", "in_progress"][turn % 4];
        let page = [1, 17, 1_000, 9_000][turn / 4 % 4];
        let query = RecordsQuery { status: Some(status.to_owned()), page, page_size: 50 };
        let started = Instant::now();
        client.records_page(id, &query).await.unwrap();
        took.push(started.elapsed());
        turn += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    took.sort();
    took
}

fn say(what: &str, took: &[Duration]) {
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    let over = took.iter().filter(|it| **it > Duration::from_millis(5)).count();
    println!(
        "{what}: {} looks, median {:?}, 99 % {:?}, longest {:?}, {over} over 5 ms",
        took.len(),
        at(50),
        at(99),
        at(100)
    );
}

fn main() {
    let count: usize = std::env::args().nth(1).map_or(1_000_000, |text| text.parse().unwrap());
    let settings = Settings {
        window: Some(Window {
            from: jiff::civil::time(9, 0, 0, 0),
            to: jiff::civil::time(21, 0, 0, 0),
        }),
        max_concurrency: 2_000,
        call_duration: Seconds::of(72),
        max_attempts: 3,
        outcomes: [(Outcome::NoAnswer, 0.2), (Outcome::Callback, 0.02), (Outcome::Dnc, 0.01)]
            .into(),
        ..Settings::default()
    };
    let config = sandbox::Config { settings, pace: Pace::ByHand, ..sandbox::Config::default() };
    let sandbox = Sandbox::start(config).unwrap();
    let id = sandbox.campaign_id();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let watched = |work: &dyn Fn()| {
        let stop = Arc::new(AtomicBool::new(false));
        let looks = runtime.spawn(look(client(&sandbox), id, stop.clone()));
        let started = Instant::now();
        work();
        let elapsed = started.elapsed();
        stop.store(true, Ordering::Relaxed);
        (elapsed, runtime.block_on(looks).unwrap())
    };
    let (pushing, looks) = watched(&|| {
        runtime.block_on(async {
            let client = client(&sandbox);
            for start in (0..count).step_by(BATCH) {
                let leads: Vec<_> = (start..count.min(start + BATCH)).map(lead).collect();
                client.push(id, &leads).await.unwrap();
            }
        });
    });
    println!("pushed {count} in {pushing:?}; peak {} MB", peak());
    say("while pushing", &looks);
    let (running, looks) = watched(&|| {
        sandbox.engine().aim(Target::Idle).unwrap();
        while !sandbox.engine().wait(Duration::from_millis(50)) {}
    });
    let calls = sandbox.engine().lock().world().calls().len();
    println!("ran {calls} calls in {running:?}; peak {} MB", peak());
    say("while running", &looks);
    println!("in all {:?}", pushing + running);
}
