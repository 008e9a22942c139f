//! Any answer of the service, read as each model and as a refusal.

use std::fmt::Debug;
use std::time::SystemTime;

use revrag::error::{StatusError, masked};
use revrag::http::{parse_id, retry};
use revrag::model::{
    Call, CallAttempt, CampaignStats, CampaignStatus, CustomVariable, Document, Message, Model,
    PushOutcome, PushResult, Record, RecordPage, Transcription,
};

/// One input.
pub fn run(body: &[u8]) {
    read::<PushResult>(body);
    read::<PushOutcome>(body);
    read::<RecordPage>(body);
    read::<CallAttempt>(body);
    read::<CampaignStatus>(body);
    read::<CampaignStats>(body);
    read::<Call>(body);
    read::<Transcription>(body);
    read::<Message>(body);
    read::<CustomVariable>(body);
    if let Some(record) = read::<Record>(body) {
        assert!(!record.is_final() || record.status.as_deref() != Some("queued"));
    }
    let text = String::from_utf8_lossy(body);
    refuse(body);
    // A value alone says nothing; as a `detail` it does.
    refuse(&[b"{\"detail\": ", body, b"}"].concat());
    let _ = retry::retry_after(&text, SystemTime::UNIX_EPOCH);
    // Shown escaped, a NUL before digits looks like one more digit.
    if let Err(error) = parse_id("run_id", &text.replace('\0', "")) {
        let said = error.to_string();
        let numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|run| run.len() >= 7);
        numbers.for_each(|number| assert!(!said.contains(number), "{said}"));
    }
}

/// What is read can be given back, shown and compared; what is refused is told in few words.
fn read<T: Model + Debug>(body: &[u8]) -> Option<Document<T>> {
    let document = match Document::<T>::parse(body) {
        Ok(document) => document,
        Err(error) => {
            assert!(error.to_string().len() < 300, "{error}");
            return None;
        }
    };
    let again = Document::<T>::parse(document.json()).expect("its own JSON");
    assert_eq!(document.json(), again.json());
    let _ = format!("{document:?}");
    assert!(document == again);
    Some(document)
}

/// A refusal's text shows no phone number, whatever its body says.
fn refuse(body: &[u8]) {
    for status in [400, 404, 422, 500] {
        let error = StatusError::of(status, body.to_vec());
        let text = error.to_string();
        assert_eq!(masked(&text), text);
        assert!(text.len() < 2_000, "{text}");
    }
}
