//! The `revrag` command, as far as it ends by itself.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::ffi::OsString;

use revrag_cli::{Console, run};

fn revrag(args: &[&str]) -> (i32, String, String) {
    let args = std::iter::once("revrag").chain(args.iter().copied()).map(OsString::from);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = run(args, Console::piped(&mut out, &mut err));
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn help_and_version_go_to_standard_output() {
    let (code, out, err) = revrag(&["--version"]);
    assert_eq!(
        (code, out.trim(), err.as_str()),
        (0, concat!("revrag ", env!("CARGO_PKG_VERSION")), "")
    );
    let (code, out, _) = revrag(&["sandbox", "--help"]);
    assert_eq!(code, 0);
    for flag in ["--port", "--api-key", "--campaign-id", "--webhook-url", "--webhook-secret"] {
        assert!(out.contains(flag), "{flag}");
    }
}

#[test]
fn errors_name_the_flag_and_the_fix() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let table: &[(&[&str], &str)] = &[
        (&["sandbox", "--port", "x"], "--port"),
        (&["sandbox", "--port", &port], "--port: can't listen on"),
        (&["sandbox", "--campaign-id", "x"], "--campaign-id"),
        (&["sandbox", "--webhook-url", "http://127.0.0.1/"], "--webhook-secret: "),
        (&["sandbox", "--webhook-url", "x", "--webhook-secret", "s"], "--webhook-url: "),
        (&["sandbox", "--failure-rate", "2"], "--failure-rate: "),
        (&["sandbox", "--call-duration=-1"], "--call-duration: "),
        (&["sandbox", "--max-concurrency", "0"], "--max-concurrency: "),
        (&["nonsense"], "nonsense"),
        (&[], "Usage"),
    ];
    for (args, expected) in table {
        let (code, out, err) = revrag(args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(err.contains(expected), "{args:?}: {err}");
    }
}
