//! A body as it comes, in little more than its size: what grows by doubling is copied again and again,
//! and lies there three times meanwhile.

use super::buffers::Buffer;

/// A body of unknown length that is larger has room set aside for all that there may be, in bytes.
const SMALL: usize = 256 << 10;

/// What has come of a body.
#[derive(Debug)]
pub(super) struct Gathered {
    bytes: Buffer,
    /// The most that there may be.
    limit: usize,
}

impl Gathered {
    /// Nothing yet, of a body that is `length` bytes long or, where that is not known, `limit` at most.
    /// What is set aside and never comes is no memory.
    pub(super) fn expecting(mut bytes: Buffer, length: Option<u64>, limit: u64) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        if let Some(length) = length {
            let length = usize::try_from(length).unwrap_or(usize::MAX).min(limit);
            let _ = bytes.try_reserve_exact(length);
        }
        Self { bytes, limit }
    }

    /// Adds what came; false, and nothing is added, where it would be too much.
    pub(super) fn add(&mut self, bytes: &[u8]) -> bool {
        let length = self.bytes.len() + bytes.len();
        if length > self.limit {
            return false;
        }
        if length > self.bytes.capacity() && length > SMALL {
            // Where there is not so much, it grows as ever.
            let more = self.limit - self.bytes.len();
            let _ = self.bytes.try_reserve_exact(more);
        }
        self.bytes.extend_from_slice(bytes);
        true
    }

    /// All of it, without the room that it did not need.
    pub(super) fn finish(mut self) -> Buffer {
        if !self.bytes.is_pooled() {
            self.bytes.shrink_to_fit();
        }
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_the_whole() {
        let body: Vec<u8> = (0..=255).cycle().take(3 * SMALL + 17).collect();
        let length = body.len() as u64;
        for expected in [None, Some(0), Some(1), Some(length - 1), Some(length), Some(u64::MAX)] {
            for (piece, limit) in [(1000, length), (SMALL, length + 9), (body.len(), u64::MAX)] {
                let mut gathered = Gathered::expecting(Buffer::default(), expected, limit);
                assert!(body.chunks(piece).all(|piece| gathered.add(piece)));
                if limit == length {
                    assert!(!gathered.add(b"x"));
                }
                assert_eq!(*gathered.finish(), body);
            }
        }
        assert!(Gathered::expecting(Buffer::default(), Some(9), 9).finish().is_empty());
    }
}
