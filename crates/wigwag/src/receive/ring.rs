//! From signal context to ordinary code: a bounded queue of many writers and one reader.
//!
//! A writer is our signal handler, which may run in several threads at once, each time with every signal blocked; the reader is
//! the library's thread. Nothing here allocates, locks or waits. A writer claims a slot by its number, fills it, and publishes
//! it; a slot that is claimed but not published yet looks empty to the reader, and its writer wakes him once it is.
//!
//! Every word is an atomic, so that no order of reads and writes is undefined; with `cfg(loom)` the same code runs under loom.

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering, fence};

/// The words of a record.
pub(crate) const WORDS: usize = 7;

/// What a slot holds.
pub(crate) type Words = [u64; WORDS];

/// A cache line.
#[repr(align(64))]
struct Slot {
    /// `n` when the slot is free for record number `n`, `n + 1` when it holds it.
    turn: AtomicUsize,
    words: [AtomicU64; WORDS],
}

/// The queue, with a power of two of slots.
pub(crate) struct Ring<const SLOTS: usize> {
    slots: [Slot; SLOTS],
    /// The number of the next record to be written.
    head: AtomicUsize,
    /// The number of the next record to be read.
    tail: AtomicUsize,
}

impl<const SLOTS: usize> Ring<SLOTS> {
    const MASK: usize = {
        assert!(SLOTS.is_power_of_two());
        SLOTS - 1
    };

    #[cfg(not(loom))]
    pub(crate) const fn new() -> Ring<SLOTS> {
        Ring {
            slots: [const {
                Slot {
                    turn: AtomicUsize::new(0),
                    words: [const { AtomicU64::new(0) }; WORDS],
                }
            }; SLOTS],
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
        }
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Ring<SLOTS> {
        Ring {
            slots: std::array::from_fn(|_| Slot {
                turn: AtomicUsize::new(0),
                words: std::array::from_fn(|_| AtomicU64::new(0)),
            }),
            head: AtomicUsize::new(0),
            tail: AtomicUsize::new(0),
        }
    }

    /// The turn of a slot counts rounds, so that zeroed memory is an empty ring: 2 * round when free, 2 * round + 1 when full. Turns
    /// begin anew when the numbers do.
    fn free(number: usize) -> usize {
        number / SLOTS * 2
    }

    /// The bits of a turn.
    const TURNS: usize = ((usize::MAX / SLOTS).wrapping_add(1))
        .wrapping_mul(2)
        .wrapping_sub(1);

    /// Writes a record, and gives how many there are now, roughly, and whether it is the last of all that have been claimed; `None`
    /// when there is no room. For signal context.
    pub(crate) fn push(&self, words: &Words) -> Option<(usize, bool)> {
        Some(self.publish(self.claim()?, words))
    }

    /// Makes the next slot the caller's, who publishes it; `None` when there is no room.
    pub(crate) fn claim(&self) -> Option<usize> {
        let mut number = self.head.load(Ordering::Relaxed);
        loop {
            let turn = self.slots[number & Self::MASK].turn.load(Ordering::Acquire);
            let free = Self::free(number);
            if turn == free {
                match self.head.compare_exchange_weak(
                    number,
                    number.wrapping_add(1),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                ) {
                    Ok(_) => return Some(number),
                    Err(now) => number = now,
                }
            } else if free.wrapping_sub(turn) & Self::TURNS <= Self::TURNS / 2 {
                // The record of the round before is still in it.
                return None;
            } else {
                number = self.head.load(Ordering::Relaxed);
            }
        }
    }

    /// Fills a slot that has been claimed, and gives what [`push`](Ring::push) does.
    pub(crate) fn publish(&self, number: usize, words: &Words) -> (usize, bool) {
        let slot = &self.slots[number & Self::MASK];
        for (cell, word) in slot.words.iter().zip(words) {
            cell.store(*word, Ordering::Relaxed);
        }
        slot.turn.store(Self::free(number) + 1, Ordering::Release);
        // After it is there, before the look: of two who claim slots one after the other, either the first sees that the second has,
        // or the second's reader sees the first's record.
        fence(Ordering::SeqCst);
        let next = number.wrapping_add(1);
        let last = self.head.load(Ordering::SeqCst) == next;
        (self.untaken(next), last)
    }

    /// How many of those before this number have not been taken. The reader may be beyond it.
    fn untaken(&self, number: usize) -> usize {
        let ahead = number.wrapping_sub(self.tail.load(Ordering::Relaxed));
        usize::try_from(ahead.cast_signed()).unwrap_or(0)
    }

    /// How many have been claimed and not taken, roughly. For signal context.
    pub(crate) fn waiting(&self) -> usize {
        self.untaken(self.head.load(Ordering::Relaxed))
    }

    /// The number of the next record to be claimed. For the one reader, with [`has_taken`](Ring::has_taken).
    pub(crate) fn claimed(&self) -> usize {
        self.head.load(Ordering::Acquire)
    }

    /// Whether all before this number have been taken.
    pub(crate) fn has_taken(&self, number: usize) -> bool {
        self.untaken(number) == 0
    }

    /// Whether all that has been claimed has been taken. Where [`is_empty`](Ring::is_empty) says that nothing can be taken, the oldest
    /// may have been claimed by a thread that has been interrupted since, for as long as the kernel likes, and all behind it waits.
    pub(crate) fn is_clear(&self) -> bool {
        self.has_taken(self.claimed())
    }

    /// Takes the oldest record. Only for the one reader.
    pub(crate) fn pop(&self) -> Option<Words> {
        self.pop_if(|_| true)
    }

    /// The same, if `this` says so of it. Only for the one reader.
    pub(crate) fn pop_if(&self, this: impl FnOnce(&Words) -> bool) -> Option<Words> {
        let number = self.tail.load(Ordering::Relaxed);
        let slot = &self.slots[number & Self::MASK];
        let free = Self::free(number);
        if slot.turn.load(Ordering::Acquire) != free + 1 {
            return None;
        }
        let mut words = [0; WORDS];
        for (word, cell) in words.iter_mut().zip(&slot.words) {
            *word = cell.load(Ordering::Relaxed);
        }
        if !this(&words) {
            return None;
        }
        // First: who sees that this slot is free sees that the next one is the oldest.
        self.tail.store(number.wrapping_add(1), Ordering::Relaxed);
        // Free for the next round.
        slot.turn.store((free + 2) & Self::TURNS, Ordering::Release);
        Some(words)
    }

    /// Empties it in a child made by fork, where no other thread writes or reads. The memory of the parent was copied while its threads
    /// went on, so that nothing here need agree: a slot may have been claimed, and its writer is not there to publish it.
    #[cfg(not(loom))]
    pub(crate) fn renew(&self) {
        let head = self.head.load(Ordering::Relaxed);
        for n in 0..SLOTS {
            let number = head.wrapping_add(n);
            let turn = &self.slots[number & Self::MASK].turn;
            // Pages that are as they should be stay shared with the parent.
            if turn.load(Ordering::Relaxed) != Self::free(number) {
                turn.store(Self::free(number), Ordering::Relaxed);
            }
        }
        self.tail.store(head, Ordering::Relaxed);
    }

    /// Whether there is nothing to take. For whoever has said before that he is about to sleep; another may be the reader meanwhile.
    pub(crate) fn is_empty(&self) -> bool {
        let mut number = self.tail.load(Ordering::Relaxed);
        loop {
            let turn = &self.slots[number & Self::MASK].turn;
            // Paired with the writer's look at whether the reader sleeps: one of them sees the other.
            if turn.load(Ordering::SeqCst) == Self::free(number) + 1 {
                return false;
            }
            let now = self.tail.load(Ordering::Relaxed);
            if now == number {
                return true;
            }
            // That one has just been taken: what lies behind it counts.
            number = now;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn record(n: u64) -> Words {
        [n, n + 1, 0, 0, 0, 0, !n]
    }

    #[test]
    fn records_come_out_in_order_over_many_rounds() {
        let ring: Ring<8> = Ring::new();
        for round in 0..100 {
            let base = round * 5;
            for n in base..base + 5 {
                assert_eq!(ring.push(&record(n)), Some(((n - base + 1) as usize, true)));
            }
            for n in base..base + 5 {
                assert!(!ring.is_empty());
                assert_eq!(ring.pop(), Some(record(n)));
            }
            assert!(ring.is_empty());
            assert_eq!(ring.pop(), None);
        }
    }

    #[test]
    fn a_full_ring_takes_no_more_until_one_is_read() {
        let ring: Ring<4> = Ring::new();
        for n in 0..4 {
            assert!(ring.push(&record(n)).is_some());
        }
        assert_eq!(ring.push(&record(4)), None);
        assert_eq!(ring.pop(), Some(record(0)));
        assert_eq!(ring.push(&record(4)), Some((4, true)));
        assert_eq!(ring.push(&record(5)), None);
    }

    #[test]
    fn a_slot_that_is_claimed_and_not_written_is_not_clear() {
        let ring: Ring<4> = Ring::new();
        assert!(ring.is_clear());
        let claimed = ring.claim().unwrap();
        assert_eq!(ring.push(&record(1)), Some((2, true)));
        let goal = ring.claimed();
        assert!(ring.is_empty() && !ring.is_clear());
        assert_eq!((ring.pop(), ring.waiting()), (None, 2));
        assert_eq!(ring.publish(claimed, &record(0)), (1, false));
        assert_eq!(ring.pop(), Some(record(0)));
        assert!(!ring.has_taken(goal));
        assert_eq!(ring.pop(), Some(record(1)));
        assert!(ring.is_clear() && ring.has_taken(goal));
    }

    /// A writer that is interrupted once more, after it has published, finds that the reader is beyond its record.
    #[test]
    fn a_reader_that_is_ahead_leaves_none_waiting() {
        let ring: Ring<4> = Ring::new();
        for n in 0..3 {
            ring.push(&record(n)).unwrap();
            ring.pop().unwrap();
        }
        assert_eq!((ring.untaken(1), ring.untaken(4)), (0, 1));
    }

    /// As a fork may find it: claimed and not published, published with what was claimed before it missing, read beyond the head.
    #[test]
    fn it_is_made_new_whatever_it_is() {
        for (head, tail, turns) in [
            (3, 1, [0, 0, 1, 0]),
            (0, 0, [0, 1, 1, 0]),
            (2, 2, [2, 2, 1, 3]),
            (9, 5, [5, 3, 2, 2]),
            (usize::MAX - 1, usize::MAX - 3, [0, 0, 0, 0]),
        ] {
            let ring: Ring<4> = Ring::new();
            ring.head.store(head, Ordering::Relaxed);
            ring.tail.store(tail, Ordering::Relaxed);
            for (slot, turn) in ring.slots.iter().zip(turns) {
                slot.turn.store(turn, Ordering::Relaxed);
            }
            ring.renew();
            for n in 0..10 {
                assert!(ring.is_empty());
                assert_eq!(ring.push(&record(n)), Some((1, true)));
                assert_eq!(ring.pop(), Some(record(n)));
            }
        }
    }

    #[test]
    fn many_writers_lose_and_double_nothing() {
        const EACH: u64 = if cfg!(miri) { 50 } else { 20_000 };
        let ring: Ring<64> = Ring::new();
        std::thread::scope(|scope| {
            for writer in 0..3_u64 {
                let ring = &ring;
                scope.spawn(move || {
                    for n in 0..EACH {
                        while ring.push(&[writer, n, 0, 0, 0, 0, writer ^ n]).is_none() {
                            std::thread::yield_now();
                        }
                    }
                });
            }
            let mut next = [0; 3];
            while next.iter().sum::<u64>() < 3 * EACH {
                match ring.pop() {
                    Some([writer, n, .., check]) => {
                        assert_eq!((n, check), (next[writer as usize], writer ^ n));
                        next[writer as usize] += 1;
                    }
                    None => std::thread::yield_now(),
                }
            }
            assert!(ring.is_empty());
        });
    }
}
