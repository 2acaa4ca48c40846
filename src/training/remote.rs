//! Sums over a part of a data set, for a training elsewhere.

use super::dataset::{Dataset, Lengths};
use super::engine::{Batches, Engine, useful_threads};
use super::micro_batch::micro_batch_rows;
use super::noise::NoiseSource;
use super::partial::Partial;
use super::sums::group_rows;
use crate::error::{Error, Result};
use crate::kernel::{Mode, Scalar, outside};
use crate::loss::Objective;
use crate::network::Network;
use crate::parallel::{Team, threads};

impl<T: Scalar> Network<T> {
    /// The rows of a group in a training on so many rows at a time. The parts of a data set whose sums are added,
    /// see [`Network::partial_sums`], begin at multiples of it.
    #[must_use]
    pub fn group_rows(&self, rows: usize) -> usize {
        group_rows(micro_batch_rows(self.n_parameters(), rows.max(1), 1, None))
    }

    /// Sums losses, weights and, if asked for, gradients over the rows of `part`, which come after the first `first_row` rows
    /// of a data set of `rows` rows in all. The sums over all parts have the bits that the same rows have in one
    /// place, however they are cut.
    ///
    /// # Errors
    /// As for [`Network::loss_and_gradient`]; [`Error::Argument`] if a part does not begin and end with a whole group (see
    /// [`Network::group_rows`]), and for recurrent networks and those with stochastic units.
    ///
    /// ```
    /// use ferroprop::{Dataset, Loss, Network};
    /// use ndarray::{Array2, s};
    ///
    /// let network = Network::<f64>::builder([1, 1]).build()?;
    /// let x = Array2::from_shape_fn((40_000, 1), |(row, _)| row as f64);
    /// let cut = network.group_rows(40_000);
    /// let parts = [(0, cut), (cut, 40_000)].map(|(from, to)| {
    ///     let rows = x.slice(s![from..to, ..]);
    ///     let part = Dataset::new(rows, rows, None);
    ///     network.partial_sums(&part, Loss::SquaredError, from, 40_000, true, None)
    /// });
    /// let [mut all, last] = parts.map(Result::unwrap);
    /// all.add(&last)?;
    /// assert_eq!(all.range(), (0, all.groups()));
    /// # Ok::<(), ferroprop::Error>(())
    /// ```
    pub fn partial_sums<'a>(
        &self,
        part: &Dataset<'_, T>,
        loss: impl Into<Objective<'a, T>>,
        first_row: usize,
        rows: usize,
        gradient: bool,
        n_threads: Option<usize>,
    ) -> Result<Partial<T>> {
        partial_sums(self, part, loss.into(), (first_row, rows), gradient, n_threads, &mut || false)
    }
}

/// See [`Network::partial_sums`].
pub(crate) fn partial_sums<T: Scalar>(
    network: &Network<T>,
    part: &Dataset<'_, T>,
    objective: Objective<'_, T>,
    (first_row, rows): (usize, usize),
    gradient: bool,
    n_threads: Option<usize>,
    interrupted: &mut dyn FnMut() -> bool,
) -> Result<Partial<T>> {
    let _mode = Mode::core();
    objective.check(network.output_activation(), network.complex_outputs())?;
    network.check_takes_remote_rows()?;
    part.check_rows(network, &objective, "")?;
    part.check_is_whole()?;
    let (own, group) = (part.rows(), network.group_rows(rows));
    if first_row.checked_add(own).is_none_or(|end| end > rows) {
        let expected = format!("at least the {own} rows of X behind first_row = {first_row}");
        return Err(Error::argument("n_rows", expected, rows));
    }
    if !first_row.is_multiple_of(group) {
        return Err(Error::argument(
            "first_row",
            format!("a multiple of {group}, the rows of a group"),
            first_row,
        ));
    }
    if first_row + own < rows && !own.is_multiple_of(group) {
        let expected = format!("a multiple of {group} rows, whole groups, if it is not the last part");
        return Err(Error::argument("X", expected, format_args!("{own} rows")));
    }
    let lengths = Lengths::new(part, None)?;
    let n_threads = useful_threads(network, own, &lengths, threads(n_threads));
    let weighted = part.weighted();
    let batches = Batches { rows, lengths: &lengths, weighted, truncate: None, remote: false, most_kept: 0 };
    let mut engine = Engine::new(network, objective, NoiseSource::NONE, 0.0, batches, n_threads)?;
    let groups = rows.div_ceil(group);
    if gradient {
        engine.let_wait(own.div_ceil(group))?;
    }
    let first_group = first_row / group;
    let done = Team::with(n_threads, |team| {
        let interrupted = &mut || outside(&mut *interrupted);
        if gradient {
            engine.sum_all_groups(team, part, first_group, interrupted)
        } else {
            engine.evaluate_groups(team, part, first_group, group, interrupted)
        }
    });
    done.ok_or(Error::Interrupted)?;
    Ok(Partial::of_tree(groups, engine.waiting(gradient)?))
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, s};

    use super::*;
    use crate::{Activation, Init, Loss, OptimizerState, RemoteRows, Rprop, Settings, train};

    /// Rows in two parts.
    struct InTwo {
        network: Network<f64>,
        x: Array2<f64>,
        y: Array2<f64>,
        cut: usize,
    }

    impl RemoteRows<f64> for InTwo {
        fn rows(&self) -> usize {
            self.x.nrows()
        }

        fn sums(&self, parameters: &[f64], gradient: bool) -> Option<Partial<f64>> {
            let (mut network, rows) = (self.network.clone(), self.rows());
            network.parameters_mut().copy_from_slice(parameters);
            let parts = [(0, self.cut), (self.cut, rows)].map(|(from, to)| {
                let part = Dataset::new(self.x.slice(s![from..to, ..]), self.y.slice(s![from..to, ..]), None);
                network.partial_sums(&part, Loss::SquaredError, from, rows, gradient, Some(2)).unwrap()
            });
            let [mut sums, last] = parts;
            sums.add(&last).unwrap();
            Some(sums)
        }

        fn digest(&self) -> String {
            String::new()
        }
    }

    #[test]
    fn rows_elsewhere_train_as_rows_here() {
        let hidden = [Activation::Tanh];
        let network =
            Network::<f64>::new(&[3, 4, 1], &hidden, Activation::Identity, &[true; 2], Init::Glorot, 1)
                .unwrap();
        let x =
            Array2::from_shape_fn((40_000, 3), |(row, column)| ((row * 7 + column * 3) % 101) as f64 / 50.0);
        let y = Array2::from_shape_fn((40_000, 1), |(row, _)| (row % 5) as f64);
        let cut = network.group_rows(40_000);
        let remote = InTwo { network: network.clone(), x: x.clone(), y: y.clone(), cut };
        let trained = |data: &Dataset<'_, f64>| {
            let mut network = network.clone();
            let settings = Settings { epochs: 3, alpha: 0.1, ..Settings::default() };
            let mut state = OptimizerState::new(crate::Optimizer::Rprop(Rprop::default())).unwrap();
            let history =
                train(&mut network, data, Loss::SquaredError, &settings, &mut state, &mut ()).unwrap();
            (network.parameters().to_vec(), history.loss)
        };
        assert_eq!(trained(&Dataset::new(x.view(), y.view(), None)), trained(&Dataset::remote(&remote)));
        // A batch that is one micro-batch has no rounding errors to carry on.
        let few = InTwo {
            x: x.slice(s![..9, ..]).to_owned(),
            y: y.slice(s![..9, ..]).to_owned(),
            cut: 0,
            ..remote
        };
        let one = few.network.partial_sums(
            &Dataset::new(few.x.view(), few.y.view(), None),
            Loss::SquaredError,
            0,
            9,
            true,
            None,
        );
        assert_eq!(one.unwrap().range(), (0, 1));
    }
}
