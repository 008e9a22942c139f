//! Recordings: small WAV files, made when they are asked for, under links that expire.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use uuid::Uuid;

use super::call::Call;
use super::outcome::hash;
use super::time::{SECOND, Seconds, Time};

/// How long a link is good for.
const GOOD_FOR: Seconds = Seconds::of(60 * 60);
/// The longest recording, in seconds.
const LONGEST: i64 = 10;
/// Samples per second, one byte each.
const RATE: u32 = 8_000;

/// Makes links to recordings, and tells its own from others.
#[derive(Debug, Clone)]
pub struct Links {
    base: String,
    key: [u8; 8],
}

impl Links {
    /// For a sandbox that listens at `base`.
    pub fn new(base: String, seed: u64) -> Self {
        Self { base, key: hash([seed, 0, 0, 6]).to_le_bytes() }
    }

    /// Where the sandbox listens.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A link to a call's recording, good for an hour from `now`.
    pub fn url(&self, call: Uuid, now: Time) -> String {
        let expires = now.after(GOOD_FOR).0 / SECOND;
        let signature = hex::encode(self.mac(call, expires).finalize().into_bytes());
        let base = &self.base;
        format!("{base}/recordings/{call}.wav?expires={expires}&signature={signature}")
    }

    /// Why a link opens nothing, if so.
    pub fn refusal(
        &self,
        call: Uuid,
        expires: i64,
        signature: &str,
        now: Time,
    ) -> Option<&'static str> {
        let given = hex::decode(signature).unwrap_or_default();
        if self.mac(call, expires).verify_slice(&given).is_err() {
            Some("The signature does not match")
        } else if now.0 > expires.saturating_mul(SECOND) {
            Some("Request has expired")
        } else {
            None
        }
    }

    #[allow(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn mac(&self, call: Uuid, expires: i64) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("any length");
        let mut text = String::new();
        let _ = write!(text, "{call}.{expires}");
        mac.update(text.as_bytes());
        mac
    }
}

/// A call's recording, as a WAV file: as long as the call, ten seconds at most, two voices in turn.
pub fn wav(call: &Call) -> Vec<u8> {
    let length = Seconds::between(call.started_at, call.ends_at).whole().clamp(1, LONGEST);
    let samples = RATE * u32::try_from(length).unwrap_or(1);
    let mut file = Vec::with_capacity(44 + samples as usize);
    let chunk = |file: &mut Vec<u8>, name: &[u8; 4], size: u32| {
        file.extend(name);
        file.extend(size.to_le_bytes());
    };
    chunk(&mut file, b"RIFF", 36 + samples);
    file.extend(b"WAVE");
    chunk(&mut file, b"fmt ", 16);
    // PCM, one channel.
    file.extend([1, 0, 1, 0]);
    file.extend(RATE.to_le_bytes());
    file.extend(RATE.to_le_bytes());
    // One byte a sample, of 8 bits.
    file.extend([1, 0, 8, 0]);
    chunk(&mut file, b"data", samples);
    file.extend((0..samples).map(|sample| {
        // Half a second each, fading, so that turns can be heard.
        let (turn, within) = (sample / (RATE / 2), sample % (RATE / 2));
        let pitch = if turn % 2 == 0 { 220.0 } else { 330.0 };
        let time = f64::from(within) / f64::from(RATE);
        let wave = (std::f64::consts::TAU * pitch * time).sin() * (1.0 - 2.0 * time);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in 48..=208")]
        let byte = 80.0f64.mul_add(wave, 128.0) as u8;
        byte
    }));
    file
}
