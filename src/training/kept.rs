//! Buffers of the last training of a thread, for the next one. Whoever trains step by step calls again and again with the
//! same network and as many rows: new buffers, and new pages of memory for them, would take such a call longer than its step.

use std::any::Any;
use std::cell::Cell;

use super::micro_batch::MicroBatch;
use super::shards::Shard;
use crate::kernel::Scalar;
use crate::layer::Layer;
use crate::loss::Loss;
use crate::optimizer::MOST_ARRAYS;
use crate::pass::{Model, Stage, numbers_per_row};

/// The most numbers that a thread keeps: as many as a step on 256 rows of 784-256-128-10 needs, and no large part of any
/// machine's memory.
pub(super) const MOST_KEPT: usize = 1 << 21;

thread_local! {
    static KEPT: Cell<Option<Box<dyn Any>>> = const { Cell::new(None) };
}

/// What an engine works in. What it holds from step to step is brought up to date when a training begins.
pub(super) struct Buffers<T> {
    pub model: Model<T>,
    pub blocks: Vec<Box<dyn Stage<T>>>,
    pub micro_batches: Vec<MicroBatch<T>>,
    pub shards: Vec<Shard<T>>,
    /// What the arrays of the shards are.
    pub array_names: &'static [&'static str],
}

struct Kept<T> {
    made_for: MadeFor,
    buffers: Buffers<T>,
}

/// What buffers depend on, beside the layers.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MadeFor {
    /// Rows of a batch, with their copies.
    pub rows: usize,
    /// How often each row is there.
    pub copies: usize,
    pub weighted: bool,
    /// `None`: a custom loss.
    pub loss: Option<Loss>,
    pub dropout: Vec<f64>,
    pub threads: usize,
}

impl<T: Scalar> Buffers<T> {
    /// Those that the thread has kept, if they are for the same; others go before new ones are made.
    pub fn kept(layers: &[Layer], made_for: &MadeFor) -> Option<Self> {
        let Kept { made_for: known, buffers } = *KEPT.take()?.downcast::<Kept<T>>().ok()?;
        (known == *made_for && buffers.model.layers == layers).then_some(buffers)
    }

    /// Whether they have at most so many numbers.
    pub fn fit_in(&self, most: usize, micro_batch_rows: usize) -> bool {
        let Self { model, micro_batches, shards, .. } = self;
        let waiting = shards.first().map_or(0, |shard| shard.waiting.len());
        let of_rows = numbers_per_row(&model.layers).saturating_mul(micro_batch_rows);
        let of_rows = of_rows.saturating_mul(1 + micro_batches.len());
        // Parameters, a copy, gradient and its rounding errors, and what the optimizer keeps.
        let vectors = 4 + MOST_ARRAYS + waiting + micro_batches.len();
        of_rows.saturating_add(model.packed.weights.len().saturating_mul(vectors)) <= most
    }

    /// Keeps them for the thread's next training.
    pub fn keep(self, made_for: MadeFor) {
        KEPT.set(Some(Box::new(Kept { made_for, buffers: self })));
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use ndarray::Array2;

    use super::*;
    use crate::{Activation, Dataset, Init, Network, Optimizer, OptimizerState, Settings, StopReason, train};

    /// Bits of everything that a training changes.
    type Bits = (Vec<u32>, Vec<Vec<u32>>, Vec<u64>);

    /// Trains a network, with calls of one epoch each, in a way that follows from a number.
    fn trained(number: usize) -> Bits {
        let pick = |divisor: usize, choices: usize| number / divisor % choices;
        let sizes = [[4, 10, 3], [5, 20, 2], [4, 10, 3]][pick(1, 3)];
        let hidden = [Activation::Tanh, Activation::Relu][pick(2, 2)];
        let mut network =
            Network::<f32>::new(&sizes, &[hidden], Activation::Softmax, &[true; 2], Init::Glorot, 1).unwrap();
        let rows = [150, 9, 700][pick(3, 3)];
        let x = Array2::from_shape_fn((rows, sizes[0]), |(row, column)| ((row * 7 + column) % 11) as f32);
        let y = Array2::from_shape_fn((rows, sizes[2]), |(row, column)| {
            f32::from(u8::from(row % sizes[2] == column))
        });
        let weights = ndarray::Array1::from_shape_fn(rows, |row| (row % 3) as f32);
        let weights = (pick(4, 2) == 1).then(|| weights.view());
        let data = Dataset::new(x.view(), y.view(), weights);
        let rule = ["rprop", "adam", "sgd", "sarprop", "irprop+"][pick(5, 5)];
        let mut state = OptimizerState::new(Optimizer::from_name(rule).unwrap()).unwrap();
        let settings = Settings {
            epochs: 1,
            batch_size: [None, Some(50)][pick(6, 2)],
            alpha: [0.0, 0.1][pick(7, 2)],
            dropout: [vec![], vec![crate::Schedule::Constant(0.3)]][pick(8, 2)].clone(),
            n_threads: Some([1, 2][pick(9, 2)]),
            ..Settings::default()
        };
        let mut losses = Vec::new();
        for _ in 0..3 {
            let history = train(&mut network, &data, Loss::LOG_LOSS, &settings, &mut state, &mut ()).unwrap();
            losses.extend(history.loss.iter().map(|loss| loss.to_bits()));
            let (loss, _) = network.loss_and_gradient(&data, Loss::LOG_LOSS, 0.0, Some(1)).unwrap();
            losses.push(loss.to_bits());
        }
        let bits = |numbers: &[f32]| numbers.iter().map(|x| x.to_bits()).collect();
        (bits(network.parameters()), state.arrays().map(|(_, array)| bits(array)).collect(), losses)
    }

    #[test]
    fn whoever_trained_before_changes_no_bit() {
        for step in 0..80 {
            let number = step * 7919 % 5040;
            let alone = thread::spawn(move || trained(number)).join().unwrap();
            assert!(trained(number) == alone, "training {number} behind others");
        }
    }

    #[test]
    fn a_divergence_leaves_nothing_behind() {
        let made_for = MadeFor {
            rows: 3,
            copies: 1,
            weighted: false,
            loss: Some(Loss::SquaredError),
            dropout: Vec::new(),
            threads: 1,
        };
        let kept_after = |rate: f64| {
            let hidden: [Activation; 0] = [];
            let mut network =
                Network::<f64>::new(&[1, 1], &hidden, Activation::Identity, &[true], Init::Glorot, 1)
                    .unwrap();
            let x = Array2::from_shape_fn((3, 1), |(row, _)| row as f64 * 1e150);
            let data = Dataset::new(x.view(), x.view(), None);
            let optimizer =
                crate::Sgd { learning_rate: crate::Schedule::Constant(rate), ..crate::Sgd::default() };
            let mut state = OptimizerState::new(Optimizer::Sgd(optimizer)).unwrap();
            let settings = Settings { epochs: 1, n_threads: Some(1), ..Settings::default() };
            let history =
                train(&mut network, &data, Loss::SquaredError, &settings, &mut state, &mut ()).unwrap();
            (history.stop_reason, Buffers::<f64>::kept(network.layers(), &made_for).is_some())
        };
        assert_eq!(kept_after(1e-305), (StopReason::Epochs, true));
        assert_eq!(kept_after(1e200), (StopReason::Diverged, false));
    }
}
