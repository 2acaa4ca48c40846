//! What L-BFGS knows of the curvature: the last steps, and the changes of the gradient that they made.

use super::vectors::Vectors;
use crate::error::Result;
use crate::kernel::Scalar;
use crate::memory::{Aligned, try_with_capacity, try_zeros};
use crate::parallel::Team;

/// A step, and the change of the gradient that it made.
struct Pair<T> {
    step: Aligned<T>,
    change: Aligned<T>,
    /// The sum of their products.
    product: f64,
}

/// A limited number of pairs: an approximation of the inverse of the Hessian.
pub(super) struct Curvature<T> {
    /// One more than count, for the next.
    pairs: Vec<Pair<T>>,
    oldest: usize,
    count: usize,
    /// The inverse of the curvature along the last step.
    scale: f64,
    /// Of each pair, in the recursion.
    shares: Vec<f64>,
    vectors: Vectors,
}

impl<T: Scalar> Curvature<T> {
    /// Room for `memory` pairs of vectors of `len` numbers.
    pub fn new(memory: usize, len: usize) -> Result<Self> {
        let mut pairs = try_with_capacity(memory.saturating_add(1))?;
        for _ in 0..=memory {
            pairs.push(Pair { step: Aligned::zeros(len)?, change: Aligned::zeros(len)?, product: 0.0 });
        }
        let (shares, vectors) = (try_zeros(memory + 1)?, Vectors::new(len)?);
        Ok(Self { pairs, oldest: 0, count: 0, scale: 1.0, shares, vectors })
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn forget(&mut self) {
        self.count = 0;
    }

    /// The arithmetic of vectors of this length.
    pub fn vectors(&mut self) -> &mut Vectors {
        &mut self.vectors
    }

    fn place(&self, age_rank: usize) -> usize {
        (self.oldest + age_rank) % self.pairs.len()
    }

    /// Adds the pair of two points and their gradients, new and old, unless the curvature between them is not above `least`.
    pub fn add(&mut self, team: &mut Team<'_>, [to, from]: [&[T]; 2], gradients: [&[T]; 2], least: f64) {
        let place = self.place(self.count);
        let Self { pairs, vectors, .. } = self;
        let Pair { step, change, product } = &mut pairs[place];
        let [new, old] = gradients;
        change.copy_from_slice(new);
        vectors.combine(team, change, (1.0, -1.0), old, old);
        step.copy_from_slice(to);
        *product = vectors.combine(team, step, (1.0, -1.0), from, change);
        let squares = vectors.dot(team, change, change);
        let scale = *product / squares;
        if *product > least && scale > 0.0 && scale.is_finite() {
            self.scale = scale;
            self.count += 1;
            if self.count == self.pairs.len() {
                self.oldest = self.place(1);
                self.count -= 1;
            }
        }
    }

    /// Makes `to` the direction of search, the approximate inverse times minus the gradient; returns its slope, the sum of products with
    /// the gradient. This is the two-loop recursion.
    pub fn direction(&mut self, team: &mut Team<'_>, gradient: &[T], to: &mut [T]) -> f64 {
        for (to, gradient) in to.iter_mut().zip(gradient) {
            *to = -*gradient;
        }
        let Some(last) = self.count.checked_sub(1) else { return self.vectors.dot(team, gradient, to) };
        // Each pass over `to` also gives the product that the next one needs.
        let mut product = self.vectors.dot(team, &self.pairs[self.place(last)].step, to);
        for rank in (0..self.count).rev() {
            let place = self.place(rank);
            let pair = &self.pairs[place];
            let share = product / pair.product;
            self.shares[place] = share;
            let next = if rank > 0 { &self.pairs[self.place(rank - 1)].step } else { &pair.change };
            product = self.vectors.combine(team, to, (1.0, -share), &pair.change, next);
        }
        let mut scale = self.scale;
        product *= scale;
        for rank in 0..self.count {
            let place = self.place(rank);
            let pair = &self.pairs[place];
            let factor = self.shares[place] - product / pair.product;
            let next = if rank < last { &self.pairs[self.place(rank + 1)].change } else { gradient };
            product = self.vectors.combine(team, to, (scale, factor), &pair.step, next);
            scale = 1.0;
        }
        product
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const N: usize = 5;

    type Matrix = [[f64; N]; N];

    fn times(a: &Matrix, b: &Matrix) -> Matrix {
        std::array::from_fn(|i| std::array::from_fn(|j| (0..N).map(|k| a[i][k] * b[k][j]).sum()))
    }

    /// The BFGS formula itself: (I - r s y') H (I - r y s') + r s s', with r = 1 / y's.
    fn updated(inverse: &Matrix, step: &[f64; N], change: &[f64; N]) -> Matrix {
        let r = 1.0 / step.iter().zip(change).map(|(s, y)| s * y).sum::<f64>();
        let one = |i: usize, j: usize| f64::from(u8::from(i == j));
        let left = std::array::from_fn(|i| std::array::from_fn(|j| one(i, j) - r * step[i] * change[j]));
        let right = std::array::from_fn(|i| std::array::from_fn(|j| one(i, j) - r * change[i] * step[j]));
        let mut inverse = times(&times(&left, inverse), &right);
        for (i, row) in inverse.iter_mut().enumerate() {
            for (j, number) in row.iter_mut().enumerate() {
                *number += r * step[i] * step[j];
            }
        }
        inverse
    }

    #[test]
    fn the_recursion_is_the_formula_over_the_last_pairs() {
        let number = |i: usize| ((i * 29 % 17) as f64 - 8.0) / 10.0;
        let vector = |seed: usize| -> [f64; N] { std::array::from_fn(|i| number(i + N * seed)) };
        let team = &mut Team::alone();
        let mut curvature = Curvature::<f64>::new(3, N).unwrap();
        let (mut points, mut gradients) = (vec![[0.0; N]], vec![[0.0; N]]);
        let mut pairs = Vec::new();
        for seed in 1..9 {
            let gradient = vector(seed + 20);
            let mut direction = [0.0; N];
            let slope = curvature.direction(team, &gradient, &mut direction);
            let mut inverse = std::array::from_fn(|i| std::array::from_fn(|j| f64::from(u8::from(i == j))));
            let kept = &pairs[pairs.len().saturating_sub(3)..];
            if let Some((step, change)) = kept.last() {
                let dot = |a: &[f64; N], b: &[f64; N]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                let scale = dot(step, change) / dot(change, change);
                inverse = inverse.map(|row: [f64; N]| row.map(|x| x * scale));
            }
            for (step, change) in kept {
                inverse = updated(&inverse, step, change);
            }
            let expected = inverse.map(|row| -row.iter().zip(&gradient).map(|(h, g)| h * g).sum::<f64>());
            for (got, expected) in direction.iter().zip(&expected) {
                assert!((got - expected).abs() < 1e-12 * (1.0 + expected.abs()), "{got} {expected}");
            }
            let expected: f64 = expected.iter().zip(&gradient).map(|(d, g)| d * g).sum();
            assert!((slope - expected).abs() < 1e-12 * (1.0 + expected.abs()), "{slope} {expected}");
            // The gradient of a quadratic function, so that curvatures are positive.
            let point = vector(seed);
            let next = std::array::from_fn(|i| (i + 1) as f64 * point[i] + 0.1 * point[(i + 1) % N]);
            let (before, old) = (points[points.len() - 1], gradients[gradients.len() - 1]);
            curvature.add(team, [&point, &before], [&next, &old], 0.0);
            pairs.push((
                std::array::from_fn(|i| point[i] - before[i]),
                std::array::from_fn(|i| next[i] - old[i]),
            ));
            points.push(point);
            gradients.push(next);
        }
        curvature.forget();
        assert!(curvature.is_empty());
    }

    #[test]
    fn a_pair_without_curvature_is_left_out() {
        let team = &mut Team::alone();
        let mut curvature = Curvature::<f64>::new(2, 1).unwrap();
        curvature.add(team, [&[1.0], &[0.0]], [&[-1.0], &[0.0]], 0.0);
        curvature.add(team, [&[1.0], &[0.0]], [&[1.0], &[1.0]], 0.0);
        curvature.add(team, [&[1.0], &[0.0]], [&[1.0], &[0.0]], 1.0);
        assert!(curvature.is_empty());
        curvature.add(team, [&[1.0], &[0.0]], [&[1.0], &[0.0]], 0.5);
        assert!(!curvature.is_empty());
    }
}
