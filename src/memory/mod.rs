//! Memory: allocation that reports failure, buffers that start on a cache line, large pages.

mod aligned;
mod fallible;
mod huge_pages;

pub use aligned::Aligned;
pub(crate) use fallible::{collected, room, zeros};
