//! Sums over micro-batches of rows on their way to the gradient of a batch.
//!
//! Chunks are added in order by compensated summation (Kahan, "Further remarks on reducing truncation
//! errors", CACM 8, 1965): a million rows lose no more than a few hundred.

#![allow(unsafe_code)]

use super::scalar::Scalar;
use super::simd::{Simd, Task};

/// From sums `s` over rows to the gradient of the mean loss with its penalty: `(s + alpha w) scale`
/// for weights, `s scale` for biases.
#[derive(Clone, Copy, Debug)]
pub struct Finish<'a, T> {
    /// Strength of the penalty.
    pub alpha: T,
    /// 1 over the weight of all rows.
    pub scale: T,
    /// The parameters, vector by vector as the gradient.
    pub weights: &'a [T],
}

impl<T: Scalar> Finish<'_, T> {
    /// What becomes of a vector of sums; given its weights, they are penalised.
    #[inline(always)]
    pub(super) fn vector<S: Simd<T>>(self, simd: S, mut sum: S::V, weights: Option<S::V>) -> S::V {
        if let Some(weights) = weights {
            sum = simd.add(sum, simd.mul(simd.splat(self.alpha), weights));
        }
        simd.mul(sum, simd.splat(self.scale))
    }
}

/// `total` with one more `sum`, and what rounding takes from it, given what it took before.
#[inline(always)]
pub(super) fn add_compensated<T, S: Simd<T>>(simd: S, total: S::V, lost: S::V, sum: S::V) -> [S::V; 2] {
    let sum = simd.sub(sum, lost);
    let grown = simd.add(total, sum);
    [grown, simd.sub(simd.sub(grown, total), sum)]
}

/// Where the sums over a micro-batch's rows go: to vectors of a gradient.
#[derive(Clone, Copy)]
pub(super) struct Sink<'a, T> {
    pub vectors: *mut T,
    /// If the sums are added to what is there: what rounding took from that, vector by vector.
    pub lost: Option<*mut T>,
    pub finish: Option<Finish<'a, T>>,
}

impl<T: Scalar> Sink<'_, T> {
    /// Takes the sums of a vector, of weights or of biases.
    ///
    /// # Safety
    /// There are more vectors than `index`, everywhere.
    #[inline(always)]
    pub unsafe fn put<S: Simd<T>>(&self, simd: S, index: usize, mut sum: S::V, weights: bool) {
        let at = index * T::LANES;
        // Safety: as promised to this function.
        unsafe {
            let to = self.vectors.add(at);
            if let Some(lost) = self.lost {
                let lost = lost.add(at);
                let [grown, taken] = add_compensated(simd, simd.load(to), simd.load(lost), sum);
                simd.store(lost, taken);
                sum = grown;
            }
            if let Some(finish) = self.finish {
                let weights = if weights { Some(simd.load(finish.weights.as_ptr().add(at))) } else { None };
                sum = finish.vector(simd, sum, weights);
            }
            simd.store(to, sum);
        }
    }
}

/// A range of vectors of one layer's gradient, from the sums over several micro-batches: the same bits as when
/// [`Gradient`](super::Gradient) goes through one micro-batch after the other.
#[derive(Debug)]
pub struct AddUp<'a, T, I> {
    /// Vectors of weights in the layer's panels; one of biases follows.
    pub weight_vectors: usize,
    /// First vector of the range, counted through the layer's panels.
    pub from: usize,
    /// The vectors.
    pub vectors: &'a mut [T],
    /// What rounding took from them, vector by vector.
    pub lost: &'a mut [T],
    /// Whether the sums are added to what is there; otherwise the first of them takes its place.
    pub add: bool,
    /// How the sums become a gradient, once all rows are in.
    pub finish: Option<Finish<'a, T>>,
    /// The same vectors of each micro-batch's sums, in order.
    pub sums: I,
}

impl<'a, T: Scalar, I: Iterator<Item = &'a [T]> + Clone> Task<T> for AddUp<'_, T, I> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let vectors = self.vectors.chunks_exact_mut(T::LANES).zip(self.lost.chunks_exact_mut(T::LANES));
        for (index, (vector, lost)) in vectors.enumerate() {
            let mut sums = self.sums.clone().map(|sums| simd.read(&sums[index * T::LANES..]));
            let mut total = [simd.read(vector), simd.read(lost)];
            if !self.add {
                let Some(first) = sums.next() else { return };
                total = [first, simd.splat(T::ZERO)];
            }
            for sum in sums {
                total = add_compensated(simd, total[0], total[1], sum);
            }
            simd.write(lost, total[1]);
            if let Some(finish) = self.finish {
                let penalised = (self.from + index) % (self.weight_vectors + 1) < self.weight_vectors;
                let weights = penalised.then(|| simd.read(&finish.weights[index * T::LANES..]));
                total[0] = finish.vector(simd, total[0], weights);
            }
            simd.write(vector, total[0]);
        }
    }
}

/// Adds vectors to others, number by number.
#[derive(Debug)]
pub struct AddTo<'a, T> {
    /// What is added to.
    pub total: &'a mut [T],
    /// What is added.
    pub numbers: &'a [T],
}

impl<T: Scalar> Task<T> for AddTo<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        for (total, &number) in self.total.iter_mut().zip(self.numbers) {
            *total += number;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{InstructionSet, dispatch_on, numbers};
    use super::*;

    /// Every instruction set adds up what plain loops add up, however the micro-batches come in.
    fn agrees<T: Scalar>() {
        let (weight_vectors, from, vectors) = (3, 2, 9);
        let count = vectors * T::LANES;
        let chunks: Vec<Vec<T>> = (0..5).map(|chunk| numbers(count, 1000 * chunk)).collect();
        let weights = numbers::<T>(count, 77);
        let (alpha, scale) = (T::from_f64(0.25), T::from_f64(0.01));
        let expected: Vec<T> = (0..count)
            .map(|i| {
                let (mut total, mut lost) = (chunks[0][i], T::ZERO);
                for chunk in &chunks[1..] {
                    let sum = chunk[i] - lost;
                    let grown = total + sum;
                    (total, lost) = (grown, (grown - total) - sum);
                }
                let bias = (from + i / T::LANES) % (weight_vectors + 1) == weight_vectors;
                (if bias { total } else { total + alpha * weights[i] }) * scale
            })
            .collect();
        for set in InstructionSet::ALL.into_iter().filter(|set| set.available()) {
            for first in 1..chunks.len() {
                let (mut sums, mut lost) = (vec![T::ONE; count], vec![T::ONE; count]);
                for (add, range) in [(false, 0..first), (true, first..chunks.len())] {
                    let finish = add.then_some(Finish { alpha, scale, weights: &weights });
                    let sums_of = chunks[range].iter().map(Vec::as_slice);
                    let (vectors, lost) = (&mut sums[..], &mut lost[..]);
                    dispatch_on(
                        set,
                        AddUp { weight_vectors, from, vectors, lost, add, finish, sums: sums_of },
                    );
                }
                assert!(sums == expected, "{} in two parts from {first}", set.name());
            }
        }
    }

    #[test]
    fn is_the_compensated_sum() {
        agrees::<f32>();
        agrees::<f64>();
    }
}
