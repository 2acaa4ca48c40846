//! The rows that a network is trained on.

use ndarray::{ArrayView1, ArrayView2};

use crate::check::check_matrix;
use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::loss::Objective;
use crate::memory::try_collect;
use crate::network::Network;

/// Inputs, targets and, optionally, a weight per row. The arrays may have any layout; they are
/// read in place.
///
/// ```
/// use ferroprop::Dataset;
/// use ndarray::array;
/// let (x, y) = (array![[0.0_f32, 1.0], [2.0, 3.0]], array![[0.0_f32], [1.0]]);
/// assert_eq!(Dataset::new(x.view(), y.view(), None).rows(), 2);
/// ```
#[derive(Clone, Debug)]
pub struct Dataset<'a, T> {
    pub(crate) x: ArrayView2<'a, T>,
    pub(crate) y: ArrayView2<'a, T>,
    pub(crate) weights: Option<Vec<T>>,
}

impl<'a, T: Scalar> Dataset<'a, T> {
    /// Combines inputs (n x inputs), targets (n x outputs) and a copy of n weights.
    #[must_use]
    pub fn new(x: ArrayView2<'a, T>, y: ArrayView2<'a, T>, weights: Option<ArrayView1<'_, T>>) -> Self {
        Self { x, y, weights: weights.map(|weights| weights.iter().copied().collect()) }
    }

    /// Like [`Dataset::new`], but reports a failed allocation as an error.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn try_new(
        x: ArrayView2<'a, T>,
        y: ArrayView2<'a, T>,
        weights: Option<ArrayView1<'_, T>>,
    ) -> Result<Self> {
        let weights = weights.map(|weights| try_collect(weights.iter().copied())).transpose()?;
        Ok(Self { x, y, weights })
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.x.nrows()
    }

    pub(crate) fn weighted(&self) -> bool {
        self.weights.is_some()
    }

    /// Checks everything that the passes rely on. `role` distinguishes the two data sets of a call in
    /// messages.
    pub(crate) fn check(&self, network: &Network<T>, objective: &Objective<'_, T>, role: &str) -> Result<()> {
        let [x, y, weights] = if role.is_empty() {
            ["X", "Y", "weights"]
        } else {
            ["validation X", "validation Y", "validation weights"]
        };
        check_matrix(x, self.x, network.numbers_in())?;
        let expected = (self.rows(), network.numbers_out());
        if self.y.dim() != expected {
            return Err(Error::shape(y, format!("{expected:?}"), self.y.shape()));
        }
        check_matrix(y, self.y, network.numbers_out())?;
        if let Objective::Loss(loss) = objective {
            loss.check_targets(network.output_activation(), y, self.y)?;
        }
        let Some(numbers) = &self.weights else { return Ok(()) };
        if numbers.len() != self.rows() {
            return Err(Error::shape(weights, format!("({},)", self.rows()), &[numbers.len()]));
        }
        if let Some((row, &w)) = numbers.iter().enumerate().find(|(_, w)| !(w.is_finite() && **w >= T::ZERO))
        {
            return Err(Error::value(weights, "numbers from 0 on", w, [row]));
        }
        if numbers.iter().all(|&w| w == T::ZERO) {
            return Err(Error::value(weights, "at least one positive number", T::ZERO, "every row"));
        }
        Ok(())
    }
}
