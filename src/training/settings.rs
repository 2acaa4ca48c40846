//! The settings of a training, apart from the loss and the optimizer.

use std::fmt::{Debug, Formatter};
use std::path::PathBuf;
use std::time::Duration;

use super::dataset::Dataset;
use crate::check::{check_count, check_number, check_typed};
use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::memory::try_with_capacity;
use crate::network::Network;
use crate::schedule::Schedule;

/// The order in which an epoch goes through the rows.
#[derive(Clone, Copy)]
pub enum Shuffle<'a> {
    /// The order of the data.
    Never,
    /// A new random order in each epoch, drawn from this seed. A full batch is not shuffled.
    Seeded(u64),
    /// A new random order in each epoch, drawn from this seed block by block, for rows on disk. A full batch is not shuffled.
    Blocks {
        /// What the orders are drawn from.
        seed: u64,
        /// How large the blocks are, and how many of them are mixed.
        scheme: BlockShuffle,
    },
    /// The order that this function returns for each epoch (1 for the first): all rows, each once; `None`
    /// ends the training as an interruption does.
    By(&'a (dyn Fn(usize) -> Option<Vec<u32>> + Sync)),
}

/// How [`Shuffle::Blocks`] draws an order: the rows are cut into blocks, so many blocks at a time are drawn, and their rows are
/// put in random order. A buffer takes one block from each of as many stretches of equal length, in random order within
/// each stretch.
///
/// Rows that do not fit in memory are then read in runs as long as a block, and each buffer is an even sample of the
/// data, also of rows that are sorted. The two levels are those of Xu et al., "In-database machine learning with `CorgiPile`: stochastic gradient descent without full
/// data shuffle", SIGMOD 2022.
///
/// ```
/// use ferroprop::{BlockShuffle, Settings, Shuffle};
/// let shuffle = Shuffle::Blocks { seed: 0, scheme: BlockShuffle { block_rows: 4096, ..BlockShuffle::default() } };
/// let settings = Settings::<f32> { batch_size: Some(256), shuffle, ..Settings::default() };
/// assert!(settings.batch_size < Some(4096));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BlockShuffle {
    /// Rows of a block; the last block may have fewer. 1,024 by default.
    pub block_rows: usize,
    /// Blocks whose rows are mixed with each other. 64 by default.
    pub buffer_blocks: usize,
}

impl Default for BlockShuffle {
    fn default() -> Self {
        Self { block_rows: 1024, buffer_blocks: 64 }
    }
}

impl BlockShuffle {
    /// Checks that there is something to draw.
    ///
    /// # Errors
    /// [`Error::Argument`] if a number is 0.
    pub fn check(&self) -> Result<()> {
        check_count("block_rows", self.block_rows)?;
        check_count("buffer_blocks", self.buffer_blocks)
    }
}

impl Debug for Shuffle<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Never => f.write_str("Never"),
            Self::Seeded(seed) => write!(f, "Seeded({seed})"),
            Self::Blocks { seed, scheme } => write!(f, "Blocks({seed}, {scheme:?})"),
            Self::By(_) => f.write_str("By(..)"),
        }
    }
}

/// The file that a training is saved to, and how often.
///
/// If the file exists, the training resumes from it, and ends in the same bits as one that was
/// never stopped; if not, it starts from the beginning. Either way the optimizer must be fresh. A
/// file of another training (layers, first parameters, data, loss, optimizer or settings differ) is
/// an error. These may change from call to call: [`Settings::epochs`], so that a complete training
/// can go on, [`Settings::patience`], [`Settings::max_time`], which counts per call, and
/// the number of threads. Functions of the caller's cannot be compared. A divergence is not saved.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The path. The file is replaced whole or not at all.
    pub path: PathBuf,
    /// Epochs from one save to the next, at least 1. The end of a training is always saved.
    pub every: usize,
}

/// The settings of a training.
///
/// ```
/// use ferroprop::Settings;
/// let settings = Settings::<f32> { epochs: 50, batch_size: Some(32), ..Settings::default() };
/// assert_eq!(settings.alpha, 0.0);
/// ```
#[derive(Clone, Debug)]
pub struct Settings<'a, T> {
    /// The most epochs; 200 by default.
    pub epochs: usize,
    /// Rows per mini-batch; `None`, the default, means full batches, as does a number above that of the rows.
    pub batch_size: Option<usize>,
    /// The order of the rows in mini-batches.
    pub shuffle: Shuffle<'a>,
    /// Strength of the L2 penalty, alpha / 2 times the sum of squared weights over the sum of the
    /// sample weights; 0 by default. Biases are not penalised.
    pub alpha: f64,
    /// The greatest Euclidean norm of the gradient of all parameters, penalty included; a gradient of a greater
    /// norm is scaled down to it before the step (Pascanu, Mikolov & Bengio, ICML 2013). `None`, the default,
    /// means no limit.
    pub clip_norm: Option<f64>,
    /// How many steps of time the gradient goes back at most, in a recurrent network; `None`, the default: to the
    /// beginning. Outputs do not change. Where a network returns every step, sequences are cut into pieces of so many steps,
    /// and no derivative goes from a piece to the one before; where it returns the last step, it goes so far back from
    /// there.
    pub truncate: Option<usize>,
    /// Dropout rate of each hidden layer, in [0, 1): the probability that a step leaves an output out; the
    /// other outputs are divided by the probability to stay. Empty, the default, means no dropout.
    /// Validation and predictions use all outputs. A rate may be a [`Schedule`] by step.
    pub dropout: Vec<Schedule>,
    /// Seeds dropout and stochastic units; 0 by default.
    pub noise_seed: u64,
    /// Rows on which the loss is monitored.
    pub validation: Option<Dataset<'a, T>>,
    /// Number of epochs in a row without improvement after which training stops; `None`, the default: never.
    pub patience: Option<usize>,
    /// An epoch counts as an improvement when the monitored number is at least as good as the best
    /// one minus this (for a loss; plus for a score); 0 by default.
    pub tolerance: f64,
    /// Whether the parameters of the best epoch are restored at the end; `None`, the default, means
    /// yes with a validation set or a score, else no.
    pub restore_best: Option<bool>,
    /// Time limit: no epoch begins later than this after the start of the call.
    pub max_time: Option<Duration>,
    /// Number of threads; `None` is automatic (see [`crate::threads`]). The result does not depend on it.
    pub n_threads: Option<usize>,
    /// The file that the training is saved to and resumed from; `None`, the default: none.
    pub checkpoint: Option<Checkpoint>,
}

impl<T> Default for Settings<'_, T> {
    fn default() -> Self {
        Self {
            epochs: 200,
            batch_size: None,
            shuffle: Shuffle::Seeded(0),
            alpha: 0.0,
            clip_norm: None,
            truncate: None,
            dropout: Vec::new(),
            noise_seed: 0,
            validation: None,
            patience: None,
            tolerance: 0.0,
            restore_best: None,
            max_time: None,
            n_threads: None,
            checkpoint: None,
        }
    }
}

impl<T: Scalar> Settings<'_, T> {
    pub(super) fn check(&self) -> Result<()> {
        check_alpha::<T>(self.alpha)?;
        if let Some(norm) = self.clip_norm {
            check_number("clip_norm", norm, "a positive number", |norm| norm > 0.0)?;
        }
        check_number("tolerance", self.tolerance, "a finite number", |_| true)?;
        for (name, count) in
            [("epochs", Some(self.epochs)), ("batch_size", self.batch_size), ("patience", self.patience)]
        {
            count.map_or(Ok(()), |count| check_count(name, count))?;
        }
        if let Shuffle::Blocks { scheme, .. } = self.shuffle {
            scheme.check()?;
        }
        Ok(())
    }

    /// The dropout rates; empty if none is ever above 0.
    pub(super) fn dropout_rates(&self, n_hidden: usize) -> Result<&[Schedule]> {
        if !self.dropout.is_empty() && self.dropout.len() != n_hidden {
            let expected = format!("one rate for each of the {n_hidden} hidden layers");
            return Err(Error::argument("dropout", expected, self.dropout.len()));
        }
        for rate in &self.dropout {
            check_rate(rate)?;
        }
        Ok(if self.dropout.iter().all(Schedule::is_zero) { &[] } else { &self.dropout })
    }

    /// Rows per batch, given the number of all rows.
    pub(super) fn batch_rows(&self, rows: usize) -> usize {
        self.batch_size.unwrap_or(rows).min(rows)
    }
}

/// Checks how far a gradient goes back in time.
pub(super) fn check_truncate<T: Scalar>(network: &Network<T>, truncate: Option<usize>) -> Result<()> {
    if truncate == Some(0) {
        return Err(Error::argument("truncate", "a positive integer", 0));
    }
    match truncate {
        Some(steps) if network.returns().is_none() => {
            Err(Error::argument("truncate", "None for a network that is not recurrent", steps))
        }
        _ => Ok(()),
    }
}

pub(super) fn check_alpha<T: Scalar>(alpha: f64) -> Result<()> {
    check_number("alpha", alpha, "0 or a positive number", |alpha| alpha >= 0.0)?;
    check_typed::<T>("alpha", alpha)
}

/// Checks a dropout rate.
pub(crate) fn check_rate(rate: &Schedule) -> Result<()> {
    rate.check("dropout", "from 0 to 1, 1 excluded", |rate| (0.0..1.0).contains(&rate))?;
    rate.check_by_step("dropout")
}

/// Checks that an order holds every row once.
pub(super) fn check_order(order: &[u32], rows: usize) -> Result<()> {
    let mut seen = try_with_capacity(rows)?;
    seen.resize(rows, false);
    let mut distinct = 0;
    for &row in order {
        if let Some(seen) = seen.get_mut(row as usize) {
            distinct += usize::from(!std::mem::replace(seen, true));
        }
    }
    if order.len() == rows && distinct == rows {
        return Ok(());
    }
    let expected = format!("a function whose result holds each row from 0 to {} once", rows - 1);
    let got = format!("{} rows, {distinct} of them valid and distinct", order.len());
    Err(Error::argument("shuffle", expected, got))
}
