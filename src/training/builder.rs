//! A training described step by step.

use std::path::PathBuf;
use std::time::Duration;

use super::dataset::Dataset;
use super::fit::train;
use super::history::History;
use super::observer::Observer;
use super::settings::{Checkpoint, Settings, Shuffle};
use super::state::OptimizerState;
use crate::error::Result;
use crate::kernel::Scalar;
use crate::loss::Objective;
use crate::network::Network;
use crate::optimizer::Optimizer;

/// What is to be made small, by which optimizer, and how: everything has a default but the loss. It is
/// [`train`] with a fresh optimizer.
///
/// ```
/// use ferroprop::{Activation, Dataset, Loss, Network, Rprop, Training};
/// use ndarray::array;
///
/// // Exclusive or.
/// let x = array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
/// let y = array![[0.0], [1.0], [1.0], [0.0]];
/// let mut network: Network<f64> =
///     Network::builder([2, 4, 1]).hidden(Activation::Tanh).output_activation(Activation::LOGISTIC).seed(3).build()?;
/// let data = Dataset::new(x.view(), y.view(), None);
/// let history = Training::new(Loss::LOG_LOSS).optimizer(Rprop::default()).epochs(100).run(&mut network, &data)?;
/// assert!(history.loss[99] < 0.01);
/// # Ok::<(), ferroprop::Error>(())
/// ```
#[must_use = "a training begins with `run`"]
pub struct Training<'a, T> {
    objective: Objective<'a, T>,
    optimizer: Optimizer,
    settings: Settings<'a, T>,
    observer: Option<&'a mut dyn Observer<T>>,
}

impl<'a, T: Scalar> Training<'a, T> {
    /// A training that makes a loss small: one of this crate, or, as an [`Objective`], the caller's own. Rprop
    /// over full batches for 200 epochs by default.
    pub fn new(loss: impl Into<Objective<'a, T>>) -> Self {
        Self {
            objective: loss.into(),
            optimizer: Optimizer::default(),
            settings: Settings::default(),
            observer: None,
        }
    }

    /// The optimizer.
    pub fn optimizer(mut self, optimizer: impl Into<Optimizer>) -> Self {
        self.optimizer = optimizer.into();
        self
    }

    /// See [`Settings::epochs`].
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.settings.epochs = epochs;
        self
    }

    /// See [`Settings::batch_size`].
    pub fn batch_size(mut self, rows: usize) -> Self {
        self.settings.batch_size = Some(rows);
        self
    }

    /// See [`Settings::shuffle`].
    pub fn shuffle(mut self, shuffle: Shuffle<'a>) -> Self {
        self.settings.shuffle = shuffle;
        self
    }

    /// See [`Settings::alpha`].
    pub fn alpha(mut self, alpha: f64) -> Self {
        self.settings.alpha = alpha;
        self
    }

    /// See [`Settings::validation`].
    pub fn validation(mut self, data: Dataset<'a, T>) -> Self {
        self.settings.validation = Some(data);
        self
    }

    /// See [`Settings::patience`].
    pub fn patience(mut self, epochs: usize) -> Self {
        self.settings.patience = Some(epochs);
        self
    }

    /// See [`Settings::max_time`].
    pub fn max_time(mut self, time: Duration) -> Self {
        self.settings.max_time = Some(time);
        self
    }

    /// See [`Settings::n_threads`].
    pub fn n_threads(mut self, threads: usize) -> Self {
        self.settings.n_threads = Some(threads);
        self
    }

    /// See [`Settings::checkpoint`].
    pub fn checkpoint(mut self, path: impl Into<PathBuf>, every: usize) -> Self {
        self.settings.checkpoint = Some(Checkpoint { path: path.into(), every });
        self
    }

    /// All settings at a time: those that have no method of their own here.
    pub fn settings(mut self, settings: Settings<'a, T>) -> Self {
        self.settings = settings;
        self
    }

    /// Who hears and says something in the course of training.
    pub fn observer(mut self, observer: &'a mut dyn Observer<T>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Trains a network.
    ///
    /// # Errors
    /// As for [`train`].
    pub fn run(self, network: &mut Network<T>, data: &Dataset<'_, T>) -> Result<History> {
        let mut state = OptimizerState::new(self.optimizer)?;
        match self.observer {
            Some(observer) => train(network, data, self.objective, &self.settings, &mut state, observer),
            None => train(network, data, self.objective, &self.settings, &mut state, &mut ()),
        }
    }
}
