//! Where the random numbers of a training's steps come from.

use crate::activation::Units;
use crate::layer::Layer;
use crate::pass::{Noise, Occasion, Selection};

/// What a training draws its noise from.
#[derive(Clone, Debug)]
pub(super) struct NoiseSource {
    /// Dropout rate of the next step per hidden layer; empty without dropout.
    pub rates: Vec<f64>,
    pub seed: u64,
    /// How often each row is there; 0 without stochastic units.
    pub copies: usize,
}

impl NoiseSource {
    /// No dropout, and probabilities in place of draws.
    pub const NONE: Self = Self { rates: Vec::new(), seed: 0, copies: 0 };

    /// That of layers with dropout at these rates.
    pub fn new(layers: &[Layer], rates: Vec<f64>, seed: u64) -> Self {
        Self { rates, seed, copies: units(layers).map_or(0, |units| units.samples) }
    }

    /// Whether steps have noise at all.
    pub fn is_none(&self) -> bool {
        self.rates.is_empty() && self.copies == 0
    }

    /// The noise of a block whose first row is at this place in the batch.
    pub fn at<'a>(&'a self, step: u64, first: usize, rows: Selection<'a>) -> Noise<'a> {
        let occasion = Occasion::Step { step, first, rows, copies: self.copies.max(1) };
        Noise { rates: &self.rates, seed: self.seed, occasion }
    }
}

/// The first stochastic units of some layers: all have the same number of samples.
pub(super) fn units(layers: &[Layer]) -> Option<Units> {
    layers.iter().find_map(|layer| layer.activation.units())
}
