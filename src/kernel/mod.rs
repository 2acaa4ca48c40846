//! The arithmetic: matrix tiles and vector functions, compiled for each instruction set.
//!
//! The bits of every result follow from the shapes and the numbers alone: sums have one order, functions are our
//! own, and an instruction set only decides how many of the same operations happen at once.

mod add_up;
#[cfg(all(target_arch = "x86_64", not(ferroprop_portable)))]
mod avx2;
#[cfg(all(target_arch = "x86_64", not(ferroprop_portable)))]
mod avx512;
mod dispatch;
mod entries;
mod gradient;
pub mod math;
mod mode;
mod panels;
mod portable;
mod product;
mod rows_in_lanes;
mod scalar;
mod simd;
mod single_output;
mod sparse;

pub use add_up::{AddTo, AddUp, Finish};
pub use dispatch::{InstructionSet, VARIABLE, dispatch, dispatch_on};
pub use entries::Entries;
pub use gradient::{GRADIENT_PANELS, Gradient, gradient_share};
pub use math::cos_pi;
pub use mode::{Mode, outside};
pub use panels::{
    Layout, Repeated, Rows, copy_piece, gather_along_lanes, gather_parts, gather_rows, is_single_output,
    panel_vectors, panels, scratch, transpose, transpose_vectors, weight_vectors,
};
pub use product::{Derivative, Product, Start, Terms, Then, ends_in_half, even_share};
pub use scalar::Scalar;
pub use simd::{MOST_LANES, Simd, Task, halve_on, halving_sum, sum_of_vectors};
pub use single_output::{SingleOutputInLanes, SingleOutputProduct};
pub use sparse::{SparseBlock, SparseGradient, SparseProduct, SparseSingleOutput};

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
