//! The loss over all rows and its gradient, without a training.

use super::dataset::{Dataset, Lengths, Order};
use super::engine::{Batches, Engine, useful_threads};
use super::kept::MOST_KEPT;
use super::noise::NoiseSource;
use super::settings::{check_alpha, check_truncate};
use crate::error::{Error, Result};
use crate::kernel::{Mode, Scalar, outside};
use crate::loss::Objective;
use crate::memory::try_zeros;
use crate::network::Network;
use crate::once::once;
use crate::parallel::{Team, threads};
use crate::pass::{LayerValues, Selection, SequenceValues, trace, trace_sequences};

impl<T: Scalar> Network<T> {
    /// The loss over all rows, L2 penalty included, and its gradient in the order of
    /// [`Network::parameters`].
    ///
    /// With S the sum of the sample weights: `loss = (sum of weighted row losses + alpha / 2 * sum
    /// of squared weights) / S`. Biases are not penalised.
    ///
    /// Stochastic units give their probabilities.
    ///
    /// # Errors
    /// As for [`crate::train`]; [`Error::Interrupted`] if a custom loss ends the call.
    pub fn loss_and_gradient<'a>(
        &self,
        data: &Dataset<'_, T>,
        loss: impl Into<Objective<'a, T>>,
        alpha: f64,
        n_threads: Option<usize>,
    ) -> Result<(f64, Vec<T>)> {
        loss_and_gradient(self, data, loss.into(), (alpha, None), None, n_threads, &mut || false)
    }

    /// The net inputs, outputs, derivatives and deltas of each layer for the rows of a data set, and the
    /// loss of each row without its weight. The numbers have the bits of a training. Stochastic units give their
    /// probabilities.
    ///
    /// # Errors
    /// As for [`Network::loss_and_gradient`].
    pub fn layer_values<'a>(
        &self,
        data: &Dataset<'_, T>,
        loss: impl Into<Objective<'a, T>>,
    ) -> Result<(Vec<LayerValues<T>>, Vec<T>)> {
        layer_values(self, data, loss.into(), None)
    }

    /// The same of a recurrent network, and the number of each sequence in the order in which its values stand, the
    /// longest one first. Derivatives go `truncate` steps of time back, or all.
    ///
    /// # Errors
    /// As for [`Network::loss_and_gradient`].
    pub fn sequence_values<'a>(
        &self,
        data: &Dataset<'_, T>,
        loss: impl Into<Objective<'a, T>>,
        truncate: Option<usize>,
    ) -> Result<(SequenceValues<T>, Vec<usize>)> {
        sequence_values(self, data, loss.into(), truncate)
    }
}

/// The layers' values and the rows' losses; see [`Network::layer_values`]. With a seed stochastic units are drawn as in the
/// first step of a training on full batches, and there are as many rows for each row of the data set as they have
/// samples.
pub(crate) fn layer_values<T: Scalar>(
    network: &Network<T>,
    data: &Dataset<'_, T>,
    objective: Objective<'_, T>,
    seed: Option<u64>,
) -> Result<(Vec<LayerValues<T>>, Vec<T>)> {
    let _mode = Mode::core();
    objective.check(network.output_activation(), network.complex_outputs())?;
    data.check(network, &objective, "")?;
    data.check_is_whole()?;
    if network.returns().is_some() {
        let expected = "another than a recurrent one, whose values are not kept apart by layer";
        return Err(Error::argument("network", expected, "a recurrent network"));
    }
    let source = noise_source(network, seed);
    let rows = Selection::Range { from: 0 }.copied(source.copies.max(1));
    let noise = (!source.is_none()).then(|| (source.at(0, 0, rows), rows));
    let (packed, weights) = (network.packed()?, data.weights.as_deref());
    trace(network.layers(), packed, data.x.dense("X")?, data.y, weights, objective, noise)
}

/// See [`Network::sequence_values`].
pub(crate) fn sequence_values<T: Scalar>(
    network: &Network<T>,
    data: &Dataset<'_, T>,
    objective: Objective<'_, T>,
    truncate: Option<usize>,
) -> Result<(SequenceValues<T>, Vec<usize>)> {
    let _mode = Mode::core();
    objective.check(network.output_activation(), network.complex_outputs())?;
    check_truncate(network, truncate)?;
    data.check(network, &objective, "")?;
    let rows = data.rows();
    let lengths = Lengths::new(data, None)?;
    let mut order = Order::new(rows)?;
    let selection = data.arranged(Selection::Range { from: 0 }, rows, rows, &mut order);
    let room = lengths.room(0, rows, data.weighted(), &[], truncate, 1);
    let (layers, packed) = (network.layers(), network.packed()?);
    let values = trace_sequences(layers, packed, data.examples(true), selection, room, objective)?;
    Ok((values, (0..rows).map(|place| selection.row(place)).collect()))
}

/// The noise of a first step, if there is a seed.
fn noise_source<T: Scalar>(network: &Network<T>, seed: Option<u64>) -> NoiseSource {
    seed.map_or(NoiseSource::NONE, |seed| NoiseSource::new(network.layers(), Vec::new(), seed))
}

once! {
    /// The loss over all rows and its gradient; see [`Network::loss_and_gradient`]. It goes so many steps of time back, if rows are
    /// sequences. With a seed stochastic units are drawn as for
    /// [`layer_values`].
    pub(crate) fn loss_and_gradient<T>(
        network: &Network<T>,
        data: &Dataset<'_, T>,
        objective: Objective<'_, T>,
        alpha_and_truncate: (f64, Option<usize>),
        seed: Option<u64>,
        n_threads: Option<usize>,
        interrupted: &mut dyn FnMut() -> bool,
    ) -> Result<(f64, Vec<T>)> = loss_and_gradient_here
}

fn loss_and_gradient_here<T: Scalar>(
    network: &Network<T>,
    data: &Dataset<'_, T>,
    objective: Objective<'_, T>,
    (alpha, truncate): (f64, Option<usize>),
    seed: Option<u64>,
    n_threads: Option<usize>,
    interrupted: &mut dyn FnMut() -> bool,
) -> Result<(f64, Vec<T>)> {
    let _mode = Mode::core();
    check_alpha::<T>(alpha)?;
    check_truncate(network, truncate)?;
    objective.check(network.output_activation(), network.complex_outputs())?;
    data.check(network, &objective, "")?;
    let rows = data.rows();
    let lengths = Lengths::new(data, None)?;
    let n_threads = useful_threads(network, rows, &lengths, threads(n_threads));
    let batches = Batches {
        rows,
        lengths: &lengths,
        weighted: data.weighted(),
        truncate,
        remote: data.remote.is_some(),
        most_kept: MOST_KEPT,
    };
    let mut engine = Engine::new(network, objective, noise_source(network, seed), alpha, batches, n_threads)?;
    let total = Team::with(n_threads, |team| {
        let interrupted = &mut || outside(&mut *interrupted);
        engine.gradient(team, data, Selection::Range { from: 0 }, rows, None, interrupted)
    });
    let total = total.ok_or(Error::Interrupted)?;
    let mut gradient = try_zeros(network.n_parameters())?;
    engine.copy_gradient(&mut gradient)?;
    if total.loss.is_finite() {
        engine.keep_buffers();
    }
    Ok((total.loss, gradient))
}
