//! The arithmetic: matrix tiles and vector functions, compiled for each instruction set.
//!
//! All `unsafe` code of the crate is in this module. The bits of every result follow from the
//! shapes and the numbers alone: sums have one order, functions are our own, and an instruction
//! set only decides how many of the same operations happen at once.

#![allow(unsafe_code)]

mod add_up;
mod affinity;
mod aligned;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod dispatch;
mod gradient;
mod handoff;
mod huge_pages;
pub mod math;
mod mode;
mod narrow;
mod panels;
mod portable;
mod product;
mod scalar;
mod simd;
mod turned;

pub use add_up::{AddUp, Finish};
pub use affinity::cpus_by_affinity;
pub use aligned::Aligned;
pub use dispatch::{InstructionSet, Task, VARIABLE, dispatch, dispatch_on};
pub use gradient::{Gradient, Rows};
pub use handoff::{Handoff, MOST_ITEMS};
pub use huge_pages::prefer_huge_pages;
pub use mode::StandardMode;
pub use narrow::Layout;
pub use panels::{
    MOST_IN_SQUARE, gather_along_lanes, gather_rows, panel_lines, panels, transpose, transpose_lines,
};
pub use product::{Derivative, Product, Start, Terms, Then, ends_in_half, even_share};
pub use scalar::{MOST_LANES, Numbers, Scalar, halving_sum};
pub use simd::{Simd, sum_of_lines};
pub use turned::{TurnedAlongLanes, TurnedProduct, turned, weight_lines};

/// Numbers without a pattern, from -1 to 1.
#[cfg(test)]
fn numbers<T: Scalar>(count: usize, seed: u64) -> Vec<T> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        T::from_f64((state >> 11) as f64 / (1u64 << 52) as f64 - 1.0)
    };
    (0..count).map(|_| next()).collect()
}
