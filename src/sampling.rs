//! Predictions by samples of the noise: what stochastic units draw, and what dropout leaves out (Gal & Ghahramani, "Dropout
//! as a Bayesian approximation", ICML 2016).

use ndarray::ArrayView2;

use crate::check::check_number;
use crate::error::{Error, Result};
use crate::kernel::{Mode, Scalar, outside};
use crate::loss::{Loss, Objective};
use crate::memory::try_zeros;
use crate::network::Network;
use crate::pass::{Inputs, Samples, check_dropout, log_likelihood, predict};
use crate::training::Dataset;

/// The samples of a prediction. The noise of a sample is the same for every row, so that a row's outputs do not depend on the
/// other rows.
///
/// ```
/// use ferroprop::{Activation, Network, Sampling};
/// use ndarray::array;
///
/// let network: Network<f64> = Network::builder([2, 20, 1]).hidden(Activation::Tanh).build()?;
/// let sampling = Sampling { samples: 50, dropout: vec![0.5], ..Sampling::default() };
/// let moments = network.predict_moments(array![[1.0, -1.0]].view(), &sampling, None)?;
/// assert!(moments.std[0] > 0.0);
/// # Ok::<(), ferroprop::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sampling {
    /// How many; 100 by default.
    pub samples: u32,
    /// Names their noise; 0 by default.
    pub seed: u64,
    /// Dropout rate of each hidden layer, in [0, 1); empty, the default, means no dropout.
    pub dropout: Vec<f64>,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { samples: 100, seed: 0, dropout: Vec::new() }
    }
}

impl Sampling {
    fn check<T: Scalar>(&self, network: &Network<T>) -> Result<Samples<'_>> {
        let layers = network.layers();
        if self.samples == 0 {
            return Err(Error::argument("samples", "a positive integer", 0));
        }
        if network.is_complex() {
            return Err(Error::argument("samples", "absent for a network of complex numbers", self.samples));
        }
        let n_hidden = layers.len() - 1;
        if !self.dropout.is_empty() && self.dropout.len() != n_hidden {
            let expected = format!("one rate for each of the {n_hidden} hidden layers");
            return Err(Error::argument("dropout", expected, self.dropout.len()));
        }
        for rate in &self.dropout {
            check_number("dropout", *rate, "from 0 to 1, 1 excluded", |rate| (0.0..1.0).contains(&rate))?;
        }
        check_dropout(layers, self.dropout.iter().map(|rate| *rate > 0.0))?;
        let dropped = self.dropout.iter().any(|rate| *rate > 0.0);
        let rates = if dropped { &self.dropout[..] } else { &[] };
        Ok(Samples { count: self.samples, seed: self.seed, rates })
    }
}

/// Mean and standard deviation (of the samples: divided by their number) of each output, row after row.
#[derive(Clone, Debug, PartialEq)]
pub struct Moments<T> {
    /// The mean.
    pub mean: Vec<T>,
    /// The standard deviation.
    pub std: Vec<T>,
}

impl<T: Scalar> Network<T> {
    /// The outputs of each row in every sample into a slice that takes them sample after sample, row after row.
    ///
    /// # Errors
    /// As for [`Network::predict_into`]; [`Error::Argument`] for samples or rates outside their domain, and for complex
    /// networks.
    pub fn predict_samples_into<'a>(
        &self,
        x: impl Into<Inputs<'a, T>>,
        y: &mut [T],
        sampling: &Sampling,
        n_threads: Option<usize>,
    ) -> Result<()> {
        samples_into(self, x.into(), y, sampling, n_threads, &mut || false)
    }

    /// Mean and standard deviation of the outputs over the samples.
    ///
    /// # Errors
    /// As for [`Network::predict_samples_into`].
    pub fn predict_moments<'a>(
        &self,
        x: impl Into<Inputs<'a, T>>,
        sampling: &Sampling,
        n_threads: Option<usize>,
    ) -> Result<Moments<T>> {
        moments(self, x.into(), sampling, n_threads, &mut || false)
    }

    /// The log-likelihood of each row's targets in nats: ln of the mean over the samples of e^-loss, where the loss is the
    /// log loss, so for logistic and softmax outputs.
    ///
    /// # Errors
    /// As for [`Network::predict_samples_into`] and [`Network::loss_and_gradient`].
    ///
    /// ```
    /// use ferroprop::{Activation, Network, Sampling};
    /// use ndarray::array;
    ///
    /// let units = Activation::from_name("activation", "bernoulli")?;
    /// let network: Network<f64> =
    ///     Network::builder([2, 9, 1]).hidden(units).output_activation(Activation::LOGISTIC).build()?;
    /// let x = array![[1.0, -1.0]];
    /// let yes = network.log_likelihood(x.view(), array![[1.0]].view(), &Sampling::default(), None)?;
    /// let no = network.log_likelihood(x.view(), array![[0.0]].view(), &Sampling::default(), None)?;
    /// assert!((yes[0].exp() + no[0].exp() - 1.0).abs() < 1e-12);
    /// # Ok::<(), ferroprop::Error>(())
    /// ```
    pub fn log_likelihood(
        &self,
        x: ArrayView2<'_, T>,
        y: ArrayView2<'_, T>,
        sampling: &Sampling,
        n_threads: Option<usize>,
    ) -> Result<Vec<f64>> {
        log_likelihoods(self, &Dataset::new(x, y, None), sampling, n_threads, &mut || false)
    }
}

/// One sample of all rows.
fn sample_into<T: Scalar>(
    network: &Network<T>,
    x: Inputs<'_, T>,
    y: &mut [T],
    (samples, sample): (Samples<'_>, u32),
    n_threads: Option<usize>,
    interrupted: &mut dyn FnMut() -> bool,
) -> Result<()> {
    if outside(&mut *interrupted) {
        return Err(Error::Interrupted);
    }
    let layers = network.layers();
    predict(layers, network.packed()?, x, y, samples.noise(layers, sample), n_threads)
}

/// As [`Network::predict_samples_into`]; between samples it asks whether it was `interrupted`.
pub(crate) fn samples_into<T: Scalar>(
    network: &Network<T>,
    x: Inputs<'_, T>,
    y: &mut [T],
    sampling: &Sampling,
    n_threads: Option<usize>,
    interrupted: &mut dyn FnMut() -> bool,
) -> Result<()> {
    let samples = sampling.check(network)?;
    network.check_rows(&x)?;
    let len = x.nrows().checked_mul(network.numbers_out());
    if len.and_then(|len| len.checked_mul(samples.count as usize)) != Some(y.len()) {
        let expected = format!("({} * {} * {},)", samples.count, x.nrows(), network.numbers_out());
        return Err(Error::shape("y", expected, &[y.len()]));
    }
    let _mode = Mode::core();
    for (sample, y) in (0..).zip(y.chunks_exact_mut(len.unwrap_or(1))) {
        sample_into(network, x, y, (samples, sample), n_threads, interrupted)?;
    }
    Ok(())
}

/// As [`Network::predict_moments`]; between samples it asks whether it was `interrupted`.
pub(crate) fn moments<T: Scalar>(
    network: &Network<T>,
    x: Inputs<'_, T>,
    sampling: &Sampling,
    n_threads: Option<usize>,
    interrupted: &mut dyn FnMut() -> bool,
) -> Result<Moments<T>> {
    let samples = sampling.check(network)?;
    network.check_rows(&x)?;
    let len = x.nrows().saturating_mul(network.numbers_out());
    let _mode = Mode::core();
    let mut y = try_zeros::<T>(len)?;
    // Welford's sums, sample after sample.
    let (mut means, mut squares) = (try_zeros::<f64>(len)?, try_zeros::<f64>(len)?);
    for sample in 0..samples.count {
        sample_into(network, x, &mut y, (samples, sample), n_threads, interrupted)?;
        let share = 1.0 / (f64::from(sample) + 1.0);
        for ((y, mean), square) in y.iter().zip(&mut means).zip(&mut squares) {
            let distance = y.to_f64() - *mean;
            *mean += distance * share;
            *square += distance * (y.to_f64() - *mean);
        }
    }
    let mut std = try_zeros::<T>(len)?;
    for (std, square) in std.iter_mut().zip(&squares) {
        *std = T::from_f64((square / f64::from(samples.count)).sqrt());
    }
    for (y, mean) in y.iter_mut().zip(&means) {
        *y = T::from_f64(*mean);
    }
    Ok(Moments { mean: y, std })
}

/// As [`Network::log_likelihood`]; now and then it asks whether it was `interrupted`.
pub(crate) fn log_likelihoods<T: Scalar>(
    network: &Network<T>,
    data: &Dataset<'_, T>,
    sampling: &Sampling,
    n_threads: Option<usize>,
    interrupted: &mut dyn FnMut() -> bool,
) -> Result<Vec<f64>> {
    let samples = sampling.check(network)?;
    let objective = Objective::Loss(Loss::LOG_LOSS);
    objective.check(network.output_activation(), network.complex_outputs())?;
    data.check(network, &objective, "")?;
    data.check_is_whole()?;
    let _mode = Mode::core();
    let mut values = try_zeros(data.rows())?;
    let (layers, packed) = (network.layers(), network.packed()?);
    let interrupted = &mut || outside(&mut *interrupted);
    let (loss, to) = (Loss::LOG_LOSS, &mut values);
    log_likelihood(layers, packed, data.x.dense("X")?, data.y, loss, samples, to, n_threads, interrupted)?;
    Ok(values)
}
