//! The only door to threads.
//!
//! A [`Team`] is a leader (the calling thread) and helpers from a thread pool of our own. Work is
//! handed over in rounds of items; which thread does an item is left open, so no result can depend
//! on the number of threads.
//!
//! Nobody ever waits for a helper that has not begun an item: not for one that has yet to wake up,
//! nor for one that the system refused, nor for those that a forked child lacks. So teams can be
//! nested, and a child that was forked in the middle of a training can even finish it.
//!
//! Pools are kept for the next caller, never shared between two at a time, and belong to the
//! process that made them: a forked child leaves its parent's alone and makes its own.

mod affinity;
mod handoff;
mod limits;
mod pool;
mod sync;
mod team;

pub use limits::threads;
#[cfg(feature = "python")]
pub(crate) use limits::{set_thread_limit, thread_limit};
pub(crate) use team::Team;
