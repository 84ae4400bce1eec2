//! Waiting for a condition, with a limit: no test sleeps and hopes.

use std::time::{Duration, Instant};

/// A moment after which waiting has failed.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// So far from now.
    #[must_use]
    pub fn after(time: Duration) -> Deadline {
        Deadline(Instant::now() + time)
    }

    /// Enough for anything that takes milliseconds on an idle machine: ten seconds.
    #[must_use]
    pub fn usual() -> Deadline {
        Deadline::after(Duration::from_secs(10))
    }

    /// What is left of it; zero when it has passed.
    #[must_use]
    pub fn left(self) -> Duration {
        self.0.saturating_duration_since(Instant::now())
    }

    /// Whether it has passed.
    #[must_use]
    pub fn passed(self) -> bool {
        self.left().is_zero()
    }

    /// Asks until the condition gives something. Panics, naming `what`, when the deadline has passed.
    pub fn wait_for<T>(self, what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
        loop {
            if let Some(found) = condition() {
                return found;
            }
            assert!(!self.passed(), "waited in vain for {what}");
            std::thread::sleep(Duration::from_micros(200));
        }
    }
}
