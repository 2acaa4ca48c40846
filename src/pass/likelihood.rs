//! The log-likelihood of targets, averaged over samples of the noise.

use ndarray::ArrayView2;

use super::block::Block;
use super::examples::Examples;
use super::noise::{Noise, Occasion};
use super::predict::{BLOCK_ROWS, WORTH_SHARING};
use super::selection::Selection;
use super::stage::{Room, Stage};
use crate::error::{Error, Result};
use crate::kernel::{Layout, Scalar};
use crate::layer::{Layer, Packed, Parameters};
use crate::loss::Loss;
use crate::memory::try_zeros;
use crate::parallel::{Team, threads};

/// The samples that an average is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Samples<'a> {
    pub count: u32,
    pub seed: u64,
    /// Dropout rates; empty without dropout.
    pub rates: &'a [f64],
}

impl<'a> Samples<'a> {
    /// The noise of one of them; none where they are all the same.
    pub fn noise(self, layers: &[Layer], sample: u32) -> Option<Noise<'a>> {
        let drawn = layers.iter().any(|layer| layer.activation.units().is_some());
        let Self { rates, seed, .. } = self;
        (drawn || !rates.is_empty()).then_some(Noise { rates, seed, occasion: Occasion::Sample(sample) })
    }
}

/// Writes, for each row, ln(1/m sum of e^-loss over m samples) into `to`. After each block of rows it asks whether it was
/// `interrupted`.
#[allow(clippy::too_many_arguments)] // one call
pub(crate) fn log_likelihood<T: Scalar>(
    layers: &[Layer],
    packed: &Packed<T>,
    x: ArrayView2<'_, T>,
    y: ArrayView2<'_, T>,
    loss: Loss,
    samples: Samples<'_>,
    to: &mut [f64],
    n_threads: Option<usize>,
    interrupted: &mut dyn FnMut() -> bool,
) -> Result<()> {
    let parameters = Parameters::forward(packed);
    let rows = x.nrows();
    let work = packed.weights.len().saturating_mul(rows).saturating_mul(samples.count as usize);
    let n_threads = if work >= WORTH_SHARING { threads(n_threads).min(rows.div_ceil(BLOCK_ROWS)) } else { 1 };
    let capacity = rows.min(BLOCK_ROWS);
    let mut workers = Vec::with_capacity(n_threads);
    for _ in 0..n_threads {
        let block = Block::for_training(Layout::UnitsInLanes, layers, Room::of_rows(capacity, false, &[]))?;
        workers.push((block, try_zeros::<f64>(capacity)?));
    }
    let mut first = 0;
    let done = Team::with(n_threads, |team| {
        for to in to.chunks_mut(n_threads * capacity) {
            let parts = workers.iter_mut().zip(to.chunks_mut(capacity)).enumerate();
            let parts: Vec<_> = parts.collect();
            let more =
                team.for_each_unless(interrupted, parts.into_iter(), |(index, ((block, sums), to))| {
                    block.set_rows(to.len());
                    let examples = Examples { x: x.into(), y, listed: None, weights: None, sequences: None };
                    block.load(examples, Selection::Range { from: first + index * capacity });
                    to.fill(f64::NEG_INFINITY);
                    sums.fill(0.0);
                    for sample in 0..samples.count {
                        block.forward(layers, parameters, samples.noise(layers, sample));
                        block.output_deltas(layers, loss);
                        for ((greatest, sum), loss) in to.iter_mut().zip(&mut *sums).zip(block.losses()) {
                            add(greatest, sum, -loss.to_f64());
                        }
                    }
                    for (greatest, sum) in to.iter_mut().zip(&*sums) {
                        *greatest += Scalar::log(*sum / f64::from(samples.count));
                    }
                });
            first += to.len();
            if !more {
                return false;
            }
        }
        true
    });
    if done { Ok(()) } else { Err(Error::Interrupted) }
}

/// Adds e^x to a sum that is kept as e^greatest times a number.
fn add(greatest: &mut f64, sum: &mut f64, x: f64) {
    if x > *greatest {
        *sum = *sum * Scalar::exp(*greatest - x) + 1.0;
        *greatest = x;
    } else {
        *sum += Scalar::exp(x - *greatest);
    }
}
