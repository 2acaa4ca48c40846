//! Memory: allocation that reports failure, buffers that start on a cache line, large pages.

mod aligned;
mod fallible;
mod huge_pages;

pub use aligned::Aligned;
pub(crate) use fallible::{try_collect, try_with_capacity, try_zeros};
