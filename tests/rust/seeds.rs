//! Every seed of the fuzzers, whole and damaged, without a fuzzer.

use std::path::Path;

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, clippy::missing_panics_doc, reason = "it is a crate of its own too")]
mod targets;

fn with_seeds(target: &str, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target);
    let mut seeds = 0;
    for entry in folder.read_dir().unwrap() {
        let seed = std::fs::read(entry.unwrap().path()).unwrap();
        run(&seed);
        for at in (0..seed.len()).step_by(1 + seed.len() / 100) {
            run(&seed[..at]);
            run(&seed[at..]);
            for byte in [0, b'0', b'"', b',', b'{', b']', 0xff] {
                let mut damaged = seed.clone();
                damaged[at] = byte;
                run(&damaged);
            }
        }
        seeds += 1;
    }
    assert!(seeds > 0, "no seeds");
}

#[test]
fn signature_headers() {
    with_seeds("signature_header", targets::signature_header::run);
}

#[test]
fn webhook_payloads() {
    with_seeds("webhook_payload", targets::webhook_payload::run);
}

#[test]
fn csv_inputs() {
    with_seeds("csv_input", targets::csv_input::run);
}

#[test]
fn journal_files() {
    with_seeds("journal_file", targets::journal_file::run);
}

#[test]
fn responses() {
    with_seeds("response", targets::response::run);
}
