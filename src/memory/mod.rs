//! Memory: allocation that reports failure, buffers that start on a cache line, large pages, files that are read ahead.

mod aligned;
mod fallible;
mod huge_pages;
mod read_ahead;

pub use aligned::Aligned;
pub(crate) use fallible::{try_collect, try_with_capacity, try_zeros};
pub(crate) use read_ahead::read_ahead;
