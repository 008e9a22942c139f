//! Buffers that the bodies of one kind of answer are read into again and again.
//!
//! The pages of a listing are large, come by the thousand, and are let go by other threads than those
//! that read them: an allocator keeps many times the memory of the few that are there at a time.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex};

use bytes::Bytes;

/// The most buffers that are kept.
const KEPT: usize = 16;
/// The largest that is kept.
const LARGEST: usize = 1 << 20;

/// Buffers that nobody uses now. Nobody waits for them: in a child process the lock may be held by a
/// thread that is not there.
#[derive(Debug, Clone, Default)]
pub(super) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

impl Buffers {
    /// An empty buffer, which comes back when it is let go.
    pub(super) fn take(&self) -> Buffer {
        let bytes = self.0.try_lock().ok().and_then(|mut free| free.pop());
        Buffer { bytes: bytes.unwrap_or_default(), home: Some(self.clone()) }
    }

    fn give_back(&self, mut bytes: Vec<u8>) {
        bytes.clear();
        if let Ok(mut free) = self.0.try_lock()
            && free.len() < KEPT
            && bytes.capacity() <= LARGEST
        {
            free.push(bytes);
        }
    }
}

/// Bytes, and the buffers that they belong to, if any.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    bytes: Vec<u8>,
    home: Option<Buffers>,
}

impl Buffer {
    /// Its bytes, for somebody who keeps them.
    pub(super) fn keep(mut self) -> Vec<u8> {
        self.home = None;
        std::mem::take(&mut self.bytes)
    }

    /// Whether it comes back.
    pub(super) const fn is_pooled(&self) -> bool {
        self.home.is_some()
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl From<Buffer> for Bytes {
    fn from(buffer: Buffer) -> Self {
        if buffer.is_pooled() { Self::from_owner(buffer) } else { buffer.keep().into() }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        if let Some(home) = &self.home {
            home.give_back(std::mem::take(&mut self.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_into_the_memory_of_the_one_before() {
        let buffers = Buffers::default();
        let mut first = buffers.take();
        first.extend_from_slice(b"a page");
        let body = Bytes::from(first);
        let (at, shared) = (body.as_ptr(), body.slice(2..));
        drop(body);
        assert_ne!(buffers.take().as_ptr(), at, "a part of it is still in use");
        drop(shared);
        let mut second = buffers.take();
        assert!(second.is_empty());
        second.extend_from_slice(b"another");
        assert_eq!(second.as_ptr(), at);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let buffers = Buffers::default();
        let mut large = buffers.take();
        large.reserve(LARGEST + 1);
        drop(large);
        let many: Vec<Buffer> = (0..2 * KEPT).map(|_| buffers.take()).collect();
        drop(many);
        let free = buffers.0.lock().unwrap();
        assert_eq!((free.len(), free.iter().map(Vec::capacity).sum::<usize>()), (KEPT, 0));
    }
}
