//! What the matrix tiles ask of an instruction set.

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
/// A vector `V` always stands for one *line*: 64 bytes, 16 `f32` or 8 `f64`. An instruction set
/// with narrower registers uses several for it, so that lanes, and with them bits, are the same
/// everywhere. A value of the type is the proof that the machine has the instructions.
pub trait Simd<T>: Copy {
    /// A line in registers.
    type V: Copy;
    /// The same for the first half of each line; it writes 0 to the second.
    type Half: Simd<T>;
    /// Rows of the largest register tile of a product.
    const ROWS: usize;
    /// Lines in a row of the largest register tile.
    const PANELS: usize;
    /// Rows of the largest register tile of a gradient: 8, 6 or 4.
    const GRADIENT_ROWS: usize;
    /// Whether a line is two registers, so that more sums fit if its halves are summed one after the other.
    const TWO_REGISTERS: bool = false;

    /// The token itself.
    ///
    /// # Safety
    /// The machine has the instructions.
    unsafe fn assume() -> Self;
    /// For the first half of each line.
    fn half(self) -> Self::Half;
    /// Runs a task in a function of its own: where loops around it would cost it its registers.
    fn apart<K: Task<T>>(self, task: K) -> K::Output
    where
        T: Number;
    /// The same number in every lane.
    fn splat(self, x: T) -> Self::V;
    /// Reads a line.
    ///
    /// # Safety
    /// `from` points to a readable line.
    unsafe fn load(self, from: *const T) -> Self::V;
    /// Reads the first `count` numbers of a line, with 0 for the others.
    ///
    /// # Safety
    /// `from` points to so many readable numbers, which are not more than a line (or a half) has.
    #[inline(always)]
    unsafe fn load_first(self, from: *const T, count: usize) -> Self::V
    where
        T: Number,
    {
        let mut line = [T::ZERO; MOST_LANES];
        for lane in 0..count {
            // Safety: as promised to this function.
            line[lane] = unsafe { *from.add(lane) };
        }
        self.read(&line)
    }
    /// Writes a line.
    ///
    /// # Safety
    /// `to` points to a writable line.
    unsafe fn store(self, to: *mut T, line: Self::V);
    /// Asks for a line of memory that will be read soon, if that address is one.
    #[inline(always)]
    fn prefetch(self, _: *const T) {}
    /// `a * b + c` lane by lane, rounded once.
    fn fused(self, a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `a + b` lane by lane.
    fn add(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a - b` lane by lane.
    fn sub(self, a: Self::V, b: Self::V) -> Self::V;
    /// `a * b` lane by lane, with 0 for -0; see [`Number::times`].
    #[inline(always)]
    fn times(self, a: Self::V, b: Self::V) -> Self::V
    where
        T: Number,
    {
        self.fused(a, b, self.splat(T::ZERO))
    }
    /// `a` where it is greater than `b`, else `b`, lane by lane.
    fn max(self, a: Self::V, b: Self::V) -> Self::V;
    /// 1 where `a` is greater than 0, else 0, lane by lane.
    fn step(self, a: Self::V) -> Self::V;
    /// The second half of a line added to the first.
    #[inline(always)]
    fn halve(self, line: Self::V) -> <Self::Half as Simd<T>>::V
    where
        T: Number,
    {
        let mut numbers = [T::ZERO; MOST_LANES];
        self.write(&mut numbers, line);
        for lane in 0..T::LANES / 2 {
            numbers[lane] += numbers[T::LANES / 2 + lane];
        }
        self.half().read(&numbers)
    }
    /// The sums of lines that have been halved; with [`Simd::halve`] the same as [`halving_sum`](halving_sum).
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
    /// Transposes a square of as many lines as a line has lanes.
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

    /// Reads the first line of a slice.
    #[inline(always)]
    fn read(self, from: &[T]) -> Self::V
    where
        T: Number,
    {
        assert!(from.len() >= T::LANES);
        // Safety: just checked.
        unsafe { self.load(from.as_ptr()) }
    }

    /// Writes the first line of a slice.
    #[inline(always)]
    fn write(self, to: &mut [T], line: Self::V)
    where
        T: Number,
    {
        assert!(to.len() >= T::LANES);
        // Safety: just checked.
        unsafe { self.store(to.as_mut_ptr(), line) };
    }
}

/// The sum of lines, of which there are a power of two: the second half of them is added to the first, and so on until one is
/// left, as [`halving_sum`](halving_sum) does with the lanes of one.
#[inline(always)]
pub fn sum_of_lines<T: Number, S: Simd<T>>(simd: S, lines: &mut [S::V]) -> S::V {
    let mut half = lines.len() / 2;
    while half > 0 {
        for line in 0..half {
            lines[line] = simd.add(lines[line], lines[half + line]);
        }
        half /= 2;
    }
    lines[0]
}

/// Numbers in a line of the narrower type: room for a line of either.
pub const MOST_LANES: usize = 16;

/// The sum of a line: its second half is added to the first, and so on until one number is left.
#[inline(always)]
#[must_use]
pub fn halving_sum<T: Number>(line: [T; MOST_LANES]) -> T {
    halve_on(line, T::LANES / 2)
}

/// The rest of a [`halving_sum`], of a line with twice `half` numbers.
#[inline(always)]
fn halve_on<T: Number>(mut line: [T; MOST_LANES], mut half: usize) -> T {
    while half > 0 {
        for lane in 0..half {
            line[lane] += line[half + lane];
        }
        half /= 2;
    }
    line[0]
}

#[cfg(test)]
mod tests {
    use super::super::{InstructionSet, Scalar, dispatch_on, numbers};
    use super::*;

    struct Sums<'a, T, const N: usize> {
        lines: &'a [T],
        sums: &'a mut [T; N],
    }

    impl<T: Scalar, const N: usize> Task<T> for Sums<'_, T, N> {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd<T>>(self, simd: S) {
            let halves: [<S::Half as Simd<T>>::V; N] =
                std::array::from_fn(|line| simd.halve(simd.read(&self.lines[line * T::LANES..])));
            simd.sum_halves(&halves, self.sums);
        }
    }

    fn sums_agree<T: Scalar, const N: usize>() {
        let lines = numbers::<T>(N * T::LANES, 3);
        for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
            let mut sums = [T::ZERO; N];
            dispatch_on(set, Sums { lines: &lines, sums: &mut sums });
            for (line, sum) in lines.chunks_exact(T::LANES).zip(sums) {
                let mut padded = [T::ZERO; MOST_LANES];
                padded[..T::LANES].copy_from_slice(line);
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
