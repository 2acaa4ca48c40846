//! The vector operations that tiles use, and the proof that a machine has them.

#![allow(unsafe_code)]

use crate::number::Number;

/// Work on numbers of type `T` that is worth compiling for each instruction set.
pub trait Task<T: Number> {
    /// What the work returns.
    type Output;
    /// Does the work. Implementations are `#[inline(always)]`, and so is all that they call.
    fn run<S: Simd<T>>(self, simd: S) -> Self::Output;
}

/// Vectors of one instruction set, for numbers of type `T`.
///
/// A vector `V` always stands for one *vector*: 64 bytes, 16 `f32` or 8 `f64`. An instruction set
/// with narrower registers uses several for it, so that lanes, and with them bits, are the same
/// everywhere. A value of the type is the proof that the machine has the instructions.
pub trait Simd<T>: Copy {
    /// A vector in registers.
    type V: Copy;
    /// The same for the first half of each vector; it writes 0 to the second.
    type Half: Simd<T>;
    /// Sums of the largest register tile: as many as fit in registers beside the vectors and the number that they are made of.
    const SUMS: usize;
    /// Vectors in a row of the widest register tile.
    const PANELS: usize;
    /// Rows of a gradient's register tile: 8, 6 or 4, and fewer where that many vectors in a row make more than `SUMS`.
    const GRADIENT_ROWS: usize;
    /// Whether a vector is two registers, so that more sums fit if its halves are summed one after the other.
    const TWO_REGISTERS: bool = false;

    /// The token itself.
    ///
    /// # Safety
    /// The machine has the instructions.
    unsafe fn assume() -> Self;
    /// For the first half of each vector.
    fn half(self) -> Self::Half;
    /// Runs a task in a function of its own: where loops around it would cost it its registers.
    fn outlined<K: Task<T>>(self, task: K) -> K::Output
    where
        T: Number;
    /// The same number in every lane.
    fn splat(self, x: T) -> Self::V;
    /// Reads a vector.
    ///
    /// # Safety
    /// `from` points to a readable vector.
    unsafe fn load(self, from: *const T) -> Self::V;
    /// Reads the first `count` numbers of a vector, with 0 for the others.
    ///
    /// # Safety
    /// `from` points to `count` readable numbers, at most as many as a vector (or a half) has.
    #[inline(always)]
    unsafe fn load_first(self, from: *const T, count: usize) -> Self::V
    where
        T: Number,
    {
        let mut vector = [T::ZERO; MOST_LANES];
        for lane in 0..count {
            // Safety: as promised to this function.
            vector[lane] = unsafe { *from.add(lane) };
        }
        self.read(&vector)
    }
    /// Writes a vector.
    ///
    /// # Safety
    /// `to` points to a writable vector.
    unsafe fn store(self, to: *mut T, vector: Self::V);
    /// Prefetches a cache line; the address need not be valid.
    #[inline(always)]
    fn prefetch(self, _: *const T) {}
    /// The same, no further than the second-level cache.
    #[inline(always)]
    fn prefetch_second_level(self, _: *const T) {}
    /// `a * b + c` lane by lane, rounded once.
    fn mul_add(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `a + b` lane by lane.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b` lane by lane.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b` lane by lane.
    fn mul(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a` where it is greater than `b`, else `b`, lane by lane.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// 1 where `a` is greater than 0, else 0, lane by lane.
    fn heaviside(self, a: Self::V) -> Self::V;
    /// The second half of a vector added to the first.
    #[inline(always)]
    fn add_halves(self, vector: Self::V) -> <Self::Half as Simd<T>>::V
    where
        T: Number,
    {
        let mut numbers = [T::ZERO; MOST_LANES];
        self.write(&mut numbers, vector);
        for lane in 0..T::LANES / 2 {
            numbers[lane] += numbers[T::LANES / 2 + lane];
        }
        self.half().read(&numbers)
    }
    /// The sums of vectors that have been halved; with [`Simd::add_halves`] the same as [`halving_sum`](halving_sum).
    #[inline(always)]
    fn sum_halves(self, halves: &[<Self::Half as Simd<T>>::V], sums: &mut [T])
    where
        T: Number,
    {
        for (half, sum) in halves.iter().zip(sums) {
            let mut numbers = [T::ZERO; MOST_LANES];
            self.half().write(&mut numbers, *half);
            *sum = halve_on(numbers, T::LANES / 4);
        }
    }
    /// Transposes a square of as many vectors as a vector has lanes.
    ///
    /// # Safety
    /// `from` points to a readable square, `to` to a writable one; they do not overlap.
    #[inline(always)]
    unsafe fn transpose(self, from: *const T, to: *mut T)
    where
        T: Number,
    {
        for row in 0..T::LANES {
            for lane in 0..T::LANES {
                // Safety: as promised to this function.
                unsafe { *to.add(lane * T::LANES + row) = *from.add(row * T::LANES + lane) };
            }
        }
    }

    /// Reads the first vector of a slice.
    #[inline(always)]
    fn read(self, from: &[T]) -> Self::V
    where
        T: Number,
    {
        assert!(from.len() >= T::LANES);
        // Safety: just checked.
        unsafe { self.load(from.as_ptr()) }
    }

    /// Writes the first vector of a slice.
    #[inline(always)]
    fn write(self, to: &mut [T], vector: Self::V)
    where
        T: Number,
    {
        assert!(to.len() >= T::LANES);
        // Safety: just checked.
        unsafe { self.store(to.as_mut_ptr(), vector) };
    }
}

/// The sum of vectors, of which there are a power of two: the second half of them is added to the first, and so on until one is
/// left, as [`halving_sum`](halving_sum) does with the lanes of one.
#[inline(always)]
pub fn sum_of_vectors<T: Number, S: Simd<T>>(simd: S, vectors: &mut [S::V]) -> S::V {
    let mut half = vectors.len() / 2;
    while half > 0 {
        for vector in 0..half {
            vectors[vector] = simd.add(vectors[vector], vectors[half + vector]);
        }
        half /= 2;
    }
    vectors[0]
}

/// Numbers in a vector of the narrower type: room for a vector of either.
pub const MOST_LANES: usize = 16;

/// The sum of a vector: its second half is added to the first, and so on until one number is left.
#[inline(always)]
#[must_use]
pub fn halving_sum<T: Number>(vector: [T; MOST_LANES]) -> T {
    halve_on(vector, T::LANES / 2)
}

/// The rest of a [`halving_sum`], of a vector with twice `half` numbers.
#[inline(always)]
#[must_use]
pub fn halve_on<T: Number, const N: usize>(mut vector: [T; N], mut half: usize) -> T {
    while half > 0 {
        for lane in 0..half {
            vector[lane] += vector[half + lane];
        }
        half /= 2;
    }
    vector[0]
}

#[cfg(test)]
mod tests {
    use super::super::{InstructionSet, Scalar, dispatch_on, numbers};
    use super::*;

    struct Sums<'a, T, const N: usize> {
        vectors: &'a [T],
        sums: &'a mut [T; N],
    }

    impl<T: Scalar, const N: usize> Task<T> for Sums<'_, T, N> {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd<T>>(self, simd: S) {
            let halves: [<S::Half as Simd<T>>::V; N] =
                std::array::from_fn(|vector| simd.add_halves(simd.read(&self.vectors[vector * T::LANES..])));
            simd.sum_halves(&halves, self.sums);
        }
    }

    fn sums_agree<T: Scalar, const N: usize>() {
        let vectors = numbers::<T>(N * T::LANES, 3);
        for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
            let mut sums = [T::ZERO; N];
            dispatch_on(set, Sums { vectors: &vectors, sums: &mut sums });
            for (vector, sum) in vectors.chunks_exact(T::LANES).zip(sums) {
                let mut padded = [T::ZERO; MOST_LANES];
                padded[..T::LANES].copy_from_slice(vector);
                assert!(sum == halving_sum(padded), "{}", set.name());
            }
        }
    }

    #[test]
    fn every_set_halves_lines_alike() {
        sums_agree::<f32, 1>();
        sums_agree::<f32, 7>();
        sums_agree::<f32, 16>();
        sums_agree::<f32, 19>();
        sums_agree::<f64, 1>();
        sums_agree::<f64, 3>();
        sums_agree::<f64, 8>();
        sums_agree::<f64, 13>();
    }
}
