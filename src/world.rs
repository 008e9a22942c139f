//! What is taken from the machine rather than computed: the clock, chance, and new ids. Whoever
//! decides by them is given them.

use std::fmt;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use uuid::Uuid;

/// The world around an operation.
pub trait World: fmt::Debug + Send + Sync {
    /// The time by a clock that never goes back.
    fn now(&self) -> Instant;

    /// The time of day.
    fn wall(&self) -> SystemTime;

    /// A number drawn from `0.0..1.0`.
    fn draw(&self) -> f64;

    /// An id that is nowhere else.
    fn id(&self) -> Uuid;
}

/// The world as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl System {
    /// It, shared.
    pub fn shared() -> Arc<dyn World> {
        Arc::new(Self)
    }
}

impl World for System {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn draw(&self) -> f64 {
        fastrand::f64()
    }

    fn id(&self) -> Uuid {
        Uuid::new_v4()
    }
}
