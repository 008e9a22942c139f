//! Any file as a journal: its report, or why it is none.

use std::path::PathBuf;
use std::sync::LazyLock;

use revrag::bulk::Report;

static PATH: LazyLock<PathBuf> = LazyLock::new(|| {
    std::env::temp_dir().join(format!("revrag-fuzz-{}.journal", std::process::id()))
});

/// One input.
pub fn run(data: &[u8]) {
    std::fs::write(&*PATH, data).expect("a temporary file");
    if let Ok(report) = Report::open(&PATH) {
        let rows: usize = report.table().map_while(Result::ok).map(|batch| batch.num_rows()).sum();
        let _ = (rows, report.counts().total(), report.to_ipc().is_ok());
    }
    let _ = std::fs::remove_file(&*PATH);
    let _ = std::fs::remove_file(PATH.with_extension("journal-journal"));
}
