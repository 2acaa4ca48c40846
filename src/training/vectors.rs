//! Arithmetic of vectors as long as all parameters, with sums in double precision whose order depends on the length alone.

use crate::error::Result;
use crate::kernel::{Scalar, Simd, Task, dispatch, halve_on};
use crate::memory::try_zeros;
use crate::parallel::Team;

/// Numbers of a vector that are summed on one thread. The sums of these pieces are added in order.
const PIECE: usize = 16_384;

/// Running sums of a piece: number i is added to sum i mod 32.
const SUMS: usize = 32;

/// Vectors of one length: room for the sums of their pieces.
pub(super) struct Vectors {
    sums: Vec<f64>,
}

impl Vectors {
    /// Vectors of `len` numbers.
    pub fn new(len: usize) -> Result<Self> {
        Ok(Self { sums: try_zeros(len.div_ceil(PIECE))? })
    }

    /// The sum of products.
    pub fn dot<T: Scalar>(&mut self, team: &mut Team<'_>, a: &[T], b: &[T]) -> f64 {
        let pieces = a.chunks(PIECE).zip(b.chunks(PIECE));
        self.sum(team, pieces, |(a, b)| dispatch(Dot { a, b }))
    }

    /// Turns `to` into `scale * to + factor * add`; returns its sum of products with `with`.
    pub fn combine<T: Scalar>(
        &mut self,
        team: &mut Team<'_>,
        to: &mut [T],
        (scale, factor): (f64, f64),
        add: &[T],
        with: &[T],
    ) -> f64 {
        let pieces = to.chunks_mut(PIECE).zip(add.chunks(PIECE)).zip(with.chunks(PIECE));
        self.sum(team, pieces, |((to, add), with)| dispatch(Combine { to, scale, factor, add, with }))
    }

    fn sum<I: Send>(
        &mut self,
        team: &mut Team<'_>,
        pieces: impl Iterator<Item = I>,
        work: impl Fn(I) -> f64 + Sync,
    ) -> f64 {
        team.for_each(pieces.zip(&mut self.sums), |(piece, sum)| *sum = work(piece));
        self.sums.iter().sum()
    }
}

/// The greatest magnitude.
pub(super) fn largest<T: Scalar>(numbers: &[T]) -> f64 {
    dispatch(Largest { numbers })
}

struct Dot<'a, T> {
    a: &'a [T],
    b: &'a [T],
}

impl<T: Scalar> Task<T> for Dot<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) -> f64 {
        let mut sums = [0.0; SUMS];
        let ((a, rest_of_a), (b, rest_of_b)) = (self.a.as_chunks::<SUMS>(), self.b.as_chunks::<SUMS>());
        for (a, b) in a.iter().zip(b) {
            add_products(&mut sums, a, b);
        }
        add_products(&mut sums, rest_of_a, rest_of_b);
        halve_on(sums, SUMS / 2)
    }
}

#[inline(always)]
fn add_products<T: Scalar>(sums: &mut [f64; SUMS], a: &[T], b: &[T]) {
    for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
        *sum += a.to_f64() * b.to_f64();
    }
}

struct Combine<'a, T> {
    to: &'a mut [T],
    scale: f64,
    factor: f64,
    add: &'a [T],
    with: &'a [T],
}

impl<T: Scalar> Task<T> for Combine<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) -> f64 {
        let Self { to, scale, factor, add, with } = self;
        let mut sums = [0.0; SUMS];
        let mut work = |to: &mut [T], add: &[T], with: &[T]| {
            for (to, add) in to.iter_mut().zip(add) {
                *to = T::from_f64(scale * to.to_f64() + factor * add.to_f64());
            }
            add_products(&mut sums, to, with);
        };
        let (to, rest_of_to) = to.as_chunks_mut::<SUMS>();
        let ((add, rest_of_add), (with, rest_of_with)) = (add.as_chunks::<SUMS>(), with.as_chunks::<SUMS>());
        for ((to, add), with) in to.iter_mut().zip(add).zip(with) {
            work(to, add, with);
        }
        work(rest_of_to, rest_of_add, rest_of_with);
        halve_on(sums, SUMS / 2)
    }
}

struct Largest<'a, T> {
    numbers: &'a [T],
}

impl<T: Scalar> Task<T> for Largest<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) -> f64 {
        let mut largest = [T::ZERO; SUMS];
        let (whole, rest) = self.numbers.as_chunks::<SUMS>();
        let mut look = |numbers: &[T]| {
            for (largest, x) in largest.iter_mut().zip(numbers) {
                let magnitude = x.abs();
                *largest = if magnitude > *largest { magnitude } else { *largest };
            }
        };
        for numbers in whole {
            look(numbers);
        }
        look(rest);
        largest.iter().fold(0.0, |all, x| f64::max(all, x.to_f64()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{InstructionSet, dispatch_on};

    fn numbers<T: Scalar>(len: usize, seed: usize) -> Vec<T> {
        (0..len).map(|i| T::from_f64(((i * 37 + seed * 101) % 1009) as f64 / 1009.0 - 0.4)).collect()
    }

    /// Sums in the order that the module promises, one number at a time.
    fn expected<T: Scalar>(a: &[T], b: &[T]) -> f64 {
        let of_piece = |(a, b): (&[T], &[T])| {
            let mut sums = [0.0; SUMS];
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                sums[i % SUMS] += a.to_f64() * b.to_f64();
            }
            halve_on(sums, SUMS / 2)
        };
        a.chunks(PIECE).zip(b.chunks(PIECE)).map(of_piece).sum()
    }

    fn sums_have_one_order_on<T: Scalar>() {
        for len in [1, 31, 32, 100, PIECE, 3 * PIECE + 77] {
            let [a, b, c] = [1, 2, 3].map(|seed| numbers::<T>(len, seed));
            let mixed: Vec<T> =
                a.iter().zip(&b).map(|(a, b)| T::from_f64(0.5 * a.to_f64() + -1.5 * b.to_f64())).collect();
            for threads in [1, 2, 3] {
                Team::with(threads, |team| {
                    let mut vectors = Vectors::new(len).unwrap();
                    assert_eq!(vectors.dot(team, &a, &b), expected(&a, &b));
                    let mut to = a.clone();
                    assert_eq!(vectors.combine(team, &mut to, (0.5, -1.5), &b, &c), expected(&mixed, &c));
                    assert_eq!(to, mixed);
                });
            }
            let greatest = a.iter().fold(0.0, |most, x| f64::max(most, x.to_f64().abs()));
            assert_eq!(largest(&a), greatest);
        }
    }

    #[test]
    fn sums_have_one_order_on_any_number_of_threads() {
        sums_have_one_order_on::<f32>();
        sums_have_one_order_on::<f64>();
    }

    #[test]
    fn instruction_sets_agree() {
        let [a, b, c] = [1, 2, 3].map(|seed| numbers::<f32>(1000, seed));
        for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
            assert_eq!(dispatch_on(set, Dot { a: &a, b: &b }), expected(&a, &b));
            let mut to = [a.clone(), a.clone()];
            let [first, second] = &mut to;
            let combine = |to| Combine { to, scale: 0.9, factor: 0.3, add: &b, with: &c };
            let portable = dispatch_on(InstructionSet::Portable, combine(first));
            assert_eq!(dispatch_on(set, combine(second)), portable);
            assert_eq!(to[0], to[1]);
        }
    }
}
