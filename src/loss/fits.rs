//! What a loss goes with: output activations and targets.

use ndarray::ArrayView2;

use crate::activation::Activation;
use crate::check::check_each;
use crate::error::{Error, Result};
use crate::kernel::Scalar;

/// What a loss goes with.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "python"), allow(dead_code))] // Python shows it
pub(crate) struct Fits {
    /// The names of its output activations; none for all.
    pub outputs: &'static [&'static str],
    pub targets: Targets,
    /// Whether it goes from net inputs to their derivatives, or from outputs to theirs.
    pub net_inputs: bool,
    /// Whether its delta is a - t, times the slope of a logistic output: the output activation belongs to it.
    pub canonical: bool,
    /// Its formula and derivative on a softmax output, where they differ from those of single outputs.
    pub on_softmax: Option<(&'static str, &'static str)>,
}

impl Fits {
    pub const ANYTHING: Self =
        Self { outputs: &[], targets: Targets::Any, net_inputs: false, canonical: false, on_softmax: None };
}

/// The targets that a loss is defined on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Targets {
    Any,
    /// From 0 to 1; those of a softmax sum to 1 in each row.
    Probabilities,
    NotNegative,
    /// -1 or 1.
    Signs,
}

/// The largest distance from 1 of a row's sum of class probabilities.
const SUM_TOLERANCE: f64 = 1e-4;

impl Targets {
    /// The targets in words.
    pub fn expected(self) -> &'static str {
        match self {
            Self::Any => "any numbers",
            Self::Probabilities => "numbers from 0 to 1",
            Self::NotNegative => "numbers from 0 on",
            Self::Signs => "-1 and 1",
        }
    }

    /// Checks that `targets`, which go by `name`, are those of a loss with this output; `place` gives the caller's numbers of a
    /// row and a column.
    pub fn check<T: Scalar>(
        self,
        loss: &str,
        output: Activation,
        name: &'static str,
        targets: ArrayView2<'_, T>,
        place: impl Fn([usize; 2]) -> Vec<usize>,
    ) -> Result<()> {
        let wrong = |t, at| Error::value(name, format!("{} for {loss}", self.expected()), t, place(at));
        match self {
            Self::Any => {}
            Self::Probabilities => check_each(targets, |t: T| t >= T::ZERO && t <= T::ONE, wrong)?,
            Self::NotNegative => check_each(targets, |t: T| t >= T::ZERO, wrong)?,
            Self::Signs => check_each(targets, |t: T| t.abs() == T::ONE, wrong)?,
        }
        if matches!(self, Self::Probabilities) && output == Activation::Softmax {
            check_sums(loss, name, targets, place)?;
        }
        Ok(())
    }
}

fn check_sums<T: Scalar>(
    loss: &str,
    name: &'static str,
    targets: ArrayView2<'_, T>,
    place: impl Fn([usize; 2]) -> Vec<usize>,
) -> Result<()> {
    let wrong = match targets.as_slice() {
        Some(numbers) => wrong_sum(numbers.chunks_exact(targets.ncols())),
        None => wrong_sum(targets.rows()),
    };
    let Some((row, sum)) = wrong else { return Ok(()) };
    let expected = format!("rows that sum to 1 for {loss} on a softmax output");
    let mut place = place([row, 0]);
    place.pop();
    let place = match &place[..] {
        [row] => format!("row {row}"),
        _ => format!("row {place:?}"),
    };
    Err(Error::value(name, expected, sum, format_args!("{place}")))
}

/// The first row whose sum is not 1, and its sum.
fn wrong_sum<'a, T: Scalar>(
    rows: impl IntoIterator<Item: IntoIterator<Item = &'a T>>,
) -> Option<(usize, f64)> {
    let sums = rows.into_iter().map(|row| row.into_iter().map(|t| t.to_f64()).sum::<f64>());
    sums.enumerate().find(|(_, sum)| (sum - 1.0).abs() > SUM_TOLERANCE)
}
