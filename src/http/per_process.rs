//! A value that belongs to one process.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

/// Holds what must not cross a fork: sockets, and threads that a child does not have.
///
/// A forked child makes its own value on first use. The parent's is leaked there, never dropped:
/// dropping it would join threads that are gone, or tell an event queue shared with the parent to
/// forget the parent's sockets. No lock is taken, because a fork may happen while another thread
/// holds it.
#[derive(Debug)]
pub struct PerProcess<T> {
    slot: ArcSwapOption<Owned<T>>,
}

#[derive(Debug)]
struct Owned<T> {
    pid: u32,
    value: Arc<T>,
}

impl<T> PerProcess<T> {
    /// A holder without a value.
    pub const fn new() -> Self {
        Self { slot: ArcSwapOption::const_empty() }
    }

    /// This process's value, made by `make` if there is none yet.
    ///
    /// Two threads may both make one; the first to finish wins and the other's is dropped.
    pub fn get_or_try_init<E>(&self, make: impl FnOnce() -> Result<T, E>) -> Result<Arc<T>, E> {
        if let Some(value) = self.get() {
            return Ok(value);
        }
        let pid = std::process::id();
        let fresh = Arc::new(Owned { pid, value: Arc::new(make()?) });
        loop {
            let current = self.slot.load_full();
            if let Some(owned) = current.as_ref().filter(|owned| owned.pid == pid) {
                return Ok(owned.value.clone());
            }
            let previous = self.slot.compare_and_swap(&current, Some(fresh.clone()));
            let swapped = match (&current, &*previous) {
                (None, None) => true,
                (Some(a), Some(b)) => Arc::ptr_eq(a, b),
                _ => false,
            };
            if swapped {
                if let Some(foreign) = current {
                    std::mem::forget(foreign);
                }
                return Ok(fresh.value.clone());
            }
        }
    }

    /// This process's value, if it has been made.
    pub fn get(&self) -> Option<Arc<T>> {
        let owned = self.slot.load();
        let owned = owned.as_ref().filter(|owned| owned.pid == std::process::id())?;
        Some(owned.value.clone())
    }

    /// Drops this process's value.
    pub fn clear(&self) {
        if self.get().is_some() {
            self.slot.store(None);
        }
    }
}

impl<T> Default for PerProcess<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        if self.get().is_none() {
            std::mem::forget(self.slot.swap(None));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn is_made_once_and_again_after_clear() {
        let made = AtomicUsize::new(0);
        let holder = PerProcess::new();
        let get =
            || holder.get_or_try_init(|| Ok::<_, Infallible>(made.fetch_add(1, Ordering::SeqCst)));
        assert_eq!(*get().unwrap(), 0);
        assert_eq!(*get().unwrap(), 0);
        holder.clear();
        assert!(holder.get().is_none());
        assert_eq!(*get().unwrap(), 1);
    }

    #[test]
    fn another_process_s_value_is_neither_used_nor_dropped() {
        let held = Arc::new(());
        let holder = PerProcess::new();
        let foreign = Owned { pid: std::process::id() + 1, value: Arc::new(held.clone()) };
        holder.slot.store(Some(Arc::new(foreign)));
        assert!(holder.get().is_none());
        let own = Arc::new(());
        holder.get_or_try_init(|| Ok::<_, Infallible>(own.clone())).unwrap();
        assert_eq!(Arc::strong_count(&held), 2, "leaked");
        drop(holder);
        assert_eq!(Arc::strong_count(&own), 1, "dropped");
    }

    #[test]
    fn a_failure_to_make_leaves_it_empty() {
        let holder = PerProcess::<()>::new();
        assert_eq!(holder.get_or_try_init(|| Err("no")).unwrap_err(), "no");
        assert!(holder.get().is_none());
    }
}
