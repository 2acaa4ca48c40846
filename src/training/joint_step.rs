//! The step of rules that need all parameters at once, in the network's order: GRprop sums over
//! them, SARPROP draws a number for each place. One thread makes the step, between two rounds.

use super::shards::scale;
use super::step::Update;
use crate::error::Result;
use crate::kernel::Scalar;
use crate::layer::{Packed, pack, unpack};
use crate::memory::Aligned;
use crate::optimizer::MOST_ARRAYS;

pub(super) struct JointStep<T> {
    /// The optimizer's arrays.
    pub arrays: Vec<Aligned<T>>,
    parameters: Aligned<T>,
    gradient: Aligned<T>,
    packed_gradient: Aligned<T>,
}

impl<T: Scalar> JointStep<T> {
    /// Allocates vectors for this many parameters, in the network's order and in panels.
    pub fn new(parameters: usize, packed: usize) -> Result<Self> {
        Ok(Self {
            arrays: Vec::new(),
            parameters: Aligned::zeros(parameters)?,
            gradient: Aligned::zeros(parameters)?,
            packed_gradient: Aligned::zeros(packed)?,
        })
    }

    /// Makes a step; the gradient comes in consecutive parts, in panels like the parameters.
    pub fn step<'a>(
        &mut self,
        update: Update<'_>,
        packed: &mut Packed<T>,
        gradients: impl Iterator<Item = &'a [T]>,
    ) {
        let mut at = 0;
        for part in gradients {
            self.packed_gradient[at..at + part.len()].copy_from_slice(part);
            at += part.len();
        }
        unpack(&packed.matrices, &self.packed_gradient, &mut self.gradient);
        scale(&mut self.gradient, update.factor);
        unpack(&packed.matrices, &packed.weights, &mut self.parameters);
        let mut arrays: [&mut [T]; MOST_ARRAYS] = std::array::from_fn(|_| &mut [][..]);
        for (slot, array) in arrays.iter_mut().zip(&mut self.arrays) {
            *slot = array;
        }
        update.optimizer.step(&update.step, &mut self.parameters, &self.gradient, arrays);
        pack(&packed.matrices, &self.parameters, &mut packed.weights);
    }
}
