//! Losses: one file each, listed once here.
//!
//! A loss is a sum over rows; a training step divides it by the sum of the rows' weights. Each file
//! gives, for the outputs of one row, the loss and its derivative with respect to the net inputs
//! ("delta"), in a form that neither overflows nor loses digits where outputs saturate.

mod elementwise;
mod log_loss;
mod squared_error;

pub(crate) use log_loss::softmax;
use ndarray::ArrayView2;

use crate::activation::Activation;
use crate::error::{Error, Result};
use crate::kernel::Scalar;

/// What training makes small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Loss {
    /// Half the squared difference, summed over the outputs.
    SquaredError,
    /// The negative log-likelihood of the targets: of independent yes/no outputs (logistic) or of
    /// one class among several (softmax).
    LogLoss,
}

/// The outputs of a block of rows, in panels that are `stride` apart.
pub(crate) struct Outputs<'a, T> {
    pub rows: usize,
    pub columns: usize,
    pub stride: usize,
    /// Net inputs of the output layer.
    pub net: &'a [T],
    pub targets: &'a [T],
    /// Gets the derivative of the row's loss times the row's weight.
    pub delta: &'a mut [T],
    pub weights: Option<&'a [T]>,
    /// Gets each row's loss, without its weight.
    pub losses: &'a mut [T],
}

impl Loss {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::SquaredError, Self::LogLoss];

    /// The name it goes by in Python and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SquaredError => "squared_error",
            Self::LogLoss => "log_loss",
        }
    }

    /// The loss of that name.
    ///
    /// # Errors
    /// [`Error::Argument`] with the list of names.
    ///
    /// ```
    /// use ferroprop::Loss;
    /// assert_eq!(Loss::from_name("log_loss")?, Loss::LogLoss);
    /// # Ok::<(), ferroprop::Error>(())
    /// ```
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|loss| loss.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(|loss| format!("{:?}", loss.name()));
            Error::argument("loss", format!("one of {}", names.join(", ")), format!("{name:?}"))
        })
    }

    /// The loss that belongs to an output activation: the log loss where outputs are
    /// probabilities, else the squared error.
    #[must_use]
    pub fn natural(output: Activation) -> Self {
        match output {
            Activation::Logistic { .. } | Activation::Softmax => Self::LogLoss,
            _ => Self::SquaredError,
        }
    }

    /// Checks that the loss goes with an output activation.
    pub(crate) fn check_output(self, output: Activation) -> Result<()> {
        let fits = match self {
            Self::SquaredError => true,
            Self::LogLoss => matches!(output, Activation::Logistic { .. } | Activation::Softmax),
        };
        if fits {
            return Ok(());
        }
        Err(Error::LossAndOutput {
            loss: self.name(),
            expected: "\"logistic\" or \"softmax\"",
            got: output.name(),
        })
    }

    /// Checks that targets lie in the loss's domain.
    pub(crate) fn check_targets<T: Scalar>(
        self,
        output: Activation,
        name: &'static str,
        targets: ArrayView2<'_, T>,
    ) -> Result<()> {
        match self {
            Self::SquaredError => Ok(()),
            Self::LogLoss => log_loss::check_targets(output, name, targets),
        }
    }

    /// Losses and deltas of a block of rows.
    pub(crate) fn deltas<T: Scalar>(self, output: Activation, outputs: Outputs<'_, T>) {
        match self {
            Self::SquaredError => squared_error::deltas(output, outputs),
            Self::LogLoss => log_loss::deltas(output, outputs),
        }
    }
}
