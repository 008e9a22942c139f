//! Puts what a push runs through side by side in the module.
//!
//! Without link-time optimization these functions lie apart, each among others that no push calls, and the
//! processor fetches more than it needs. `layout.ld` names them; `make layout` writes it from what an upload
//! runs through.

#![allow(clippy::print_stdout, reason = "so it talks to cargo")]

use std::env;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=layout.ld");
    let target = env::var("TARGET").unwrap_or_default().to_uppercase().replace(['-', '.'], "_");
    println!("cargo::rerun-if-env-changed=CARGO_TARGET_{target}_LINKER");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    if !is("PROFILE", "release") || !is("CARGO_CFG_TARGET_OS", "linux") {
        return;
    }
    let Ok(folder) = env::var("CARGO_MANIFEST_DIR") else { return };
    let argument = format!("-Wl,-T,{folder}/layout.ld");
    // What is separated by commas in there can't be passed so.
    if !folder.contains(',') && is_taken(&argument) {
        println!("cargo::rustc-link-arg-cdylib={argument}");
    }
}

/// Whether the linker knows such scripts: not each does. It is asked as it will be for the module.
fn is_taken(argument: &str) -> bool {
    let given = |name: &str| env::var(name).ok();
    let (Some(rustc), Some(target), Some(out)) =
        (given("RUSTC"), given("TARGET"), given("OUT_DIR"))
    else {
        return false;
    };
    let source = Path::new(&out).join("nothing.rs");
    if std::fs::write(&source, "").is_err() {
        return false;
    }
    let flags = given("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let mut command = Command::new(rustc);
    command.args(flags.split('\x1f').filter(|flag| !flag.is_empty()));
    if let Some(linker) = given("RUSTC_LINKER") {
        command.arg("-C").arg(format!("linker={linker}"));
    }
    command.args(["--crate-type", "cdylib", "--target", &target, "-C"]);
    command.arg(format!("link-arg={argument}")).arg("--out-dir").arg(&out).arg(source);
    command.output().is_ok_and(|ended| ended.status.success())
}
