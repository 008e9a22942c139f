//! What a delivery is known by, so that it is handled once.

use sha2::{Digest, Sha256};

use super::event::WebhookEvent;

/// Two names of a verified delivery. Each is a digest: of bounded length, and of plain characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    /// Of the event's id, which a redelivery repeats. The id is not signed.
    pub event: String,
    /// Of the bytes that were signed. The header that signs them can be spelled in many ways, and
    /// differs under each secret of a rotation; the bytes are the same.
    pub signed: String,
}

impl Names {
    /// The names of an event that was read from `body`.
    pub fn of(event: &WebhookEvent, body: &[u8]) -> Self {
        let id = Sha256::digest(&event.id);
        let signed = Sha256::new()
            .chain_update(event.timestamp.to_string())
            .chain_update(b".")
            .chain_update(body)
            .finalize();
        Self { event: hex::encode(id), signed: hex::encode(signed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(id: &str, kind: &str, timestamp: i64, body: &str) -> Names {
        let event = WebhookEvent::read(id.into(), kind.into(), timestamp, body.as_bytes()).unwrap();
        Names::of(&event, body.as_bytes())
    }

    /// `printf '17.{}' | sha256sum`, and `printf evt_1 | sha256sum`.
    #[test]
    fn vectors_of_sha256sum() {
        assert_eq!(
            names("evt_1", "a", 17, "{}"),
            Names {
                event: "7d4e5a76eae6d8c165410ac19fe6756521ba86ed96752d0126b1953b155af052".into(),
                signed: "013c2ff6f9f1d635d9a6492444a4a04aa9a4ab14617608f4cc5709f053da415c".into(),
            }
        );
    }

    #[test]
    fn the_id_and_the_signed_bytes_are_told_apart() {
        let first = names("evt_1", "a", 17, "{}");
        let replayed = names("evt_2", "b", 17, "{}");
        assert_eq!(replayed.signed, first.signed);
        assert_ne!(replayed.event, first.event);
        let redelivered = names("evt_1", "a", 18, "{}");
        assert_eq!(redelivered.event, first.event);
        assert_ne!(redelivered.signed, first.signed);
        assert_ne!(names("evt_1", "a", 17, "{ }").signed, first.signed);
    }
}
