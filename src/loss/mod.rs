//! Losses: one file each, listed once here.
//!
//! A loss is a sum over rows; a training step divides it by the sum of the rows' weights. Those that
//! belong to one output activation (log loss, Poisson) go from its net inputs to losses and their
//! derivatives with respect to the net inputs ("delta"), in a form that neither overflows nor loses
//! digits where outputs saturate. The others go from outputs to derivatives with respect to these,
//! and the output activation's own derivative follows.

mod absolute_error;
mod custom;
mod elementwise;
mod hinge;
mod huber;
mod log_loss;
mod outputs;
mod poisson;
mod quantile;
mod squared_error;

pub(crate) use custom::custom_losses;
pub use custom::{Objective, RowLoss};
pub(crate) use log_loss::softmax;
use ndarray::ArrayView2;
pub(crate) use outputs::Outputs;

use crate::activation::Activation;
use crate::check::check_number;
use crate::error::{Error, Result};
use crate::kernel::{Scalar, dispatch};
use elementwise::{Deltas, Elementwise};

/// What training makes small. Each is summed over the outputs of a row; a is an output, t its target.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// (a - t)^2 / 2. For any output activation, as all losses that do not say otherwise.
    SquaredError,
    /// The negative log-likelihood of the targets: of independent yes/no outputs (logistic) or of
    /// one class among several (softmax).
    LogLoss,
    /// The log loss with targets moved towards the middle: (1 - s) t + s / K for K classes of a
    /// softmax, (1 - s) t + s / 2 for logistic outputs (Szegedy et al., "Rethinking the inception
    /// architecture for computer vision", CVPR 2016).
    SmoothedLogLoss {
        /// s, from 0 to 1.
        label_smoothing: f64,
    },
    /// |a - t|
    AbsoluteError,
    /// (a - t)^2 / 2 up to a distance of delta, from there on a straight line.
    Huber {
        /// Positive; 1 is usual.
        delta: f64,
    },
    /// q (t - a) where that is positive, else (1 - q) (a - t).
    Quantile {
        /// q, between 0 and 1.
        quantile: f64,
    },
    /// t log(t / a) - t + a, half the Poisson deviance; for exponential outputs and targets from 0 on.
    Poisson,
    /// max(0, 1 - t a), for identity outputs and targets -1 and 1.
    Hinge,
    /// max(0, 1 - t a)^2, for identity outputs and targets -1 and 1.
    SquaredHinge,
}

impl Loss {
    /// Every loss with its usual parameters.
    pub const ALL: [Self; 8] = [
        Self::SquaredError,
        Self::LogLoss,
        Self::AbsoluteError,
        Self::Huber { delta: 1.0 },
        Self::Quantile { quantile: 0.5 },
        Self::Poisson,
        Self::Hinge,
        Self::SquaredHinge,
    ];

    /// The name it goes by in Python and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SquaredError => "squared_error",
            Self::LogLoss | Self::SmoothedLogLoss { .. } => "log_loss",
            Self::AbsoluteError => "absolute_error",
            Self::Huber { .. } => "huber",
            Self::Quantile { .. } => "quantile",
            Self::Poisson => "poisson",
            Self::Hinge => "hinge",
            Self::SquaredHinge => "squared_hinge",
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

    /// # Errors
    /// [`Error::Argument`] when a parameter is outside its domain.
    pub(crate) fn check(self) -> Result<()> {
        match self {
            Self::SmoothedLogLoss { label_smoothing } => {
                check_number("label_smoothing", label_smoothing, "from 0 to 1", |s| (0.0..=1.0).contains(&s))
            }
            Self::Huber { delta } => check_number("delta", delta, "a positive number", |delta| delta > 0.0),
            Self::Quantile { quantile } => {
                check_number("quantile", quantile, "between 0 and 1, both excluded", |q| q > 0.0 && q < 1.0)
            }
            _ => Ok(()),
        }
    }

    /// Its constant and the name of that, where it has one.
    pub(crate) fn constant(self) -> Option<(&'static str, f64)> {
        match self {
            Self::SmoothedLogLoss { label_smoothing } => Some(("label_smoothing", label_smoothing)),
            Self::Huber { delta } => Some(("delta", delta)),
            Self::Quantile { quantile } => Some(("quantile", quantile)),
            _ => None,
        }
    }

    /// Checks that the loss goes with an output activation.
    pub(crate) fn check_output(self, output: Activation) -> Result<()> {
        let (fits, expected) = match self {
            Self::LogLoss | Self::SmoothedLogLoss { .. } => (
                matches!(output, Activation::Logistic { .. } | Activation::Softmax),
                "\"logistic\" or \"softmax\"",
            ),
            Self::Poisson => (output == Activation::Exponential, "\"exp\""),
            Self::Hinge | Self::SquaredHinge => (output == Activation::Identity, "\"identity\""),
            _ => return Ok(()),
        };
        if fits {
            return Ok(());
        }
        Err(Error::LossAndOutput { loss: self.name(), expected, got: output.name() })
    }

    /// Checks that targets lie in the loss's domain.
    pub(crate) fn check_targets<T: Scalar>(
        self,
        output: Activation,
        name: &'static str,
        targets: ArrayView2<'_, T>,
    ) -> Result<()> {
        let (expected, inside): (_, fn(T) -> bool) = match self {
            Self::LogLoss | Self::SmoothedLogLoss { .. } => {
                return log_loss::check_targets(output, name, targets);
            }
            Self::Poisson => ("numbers from 0 on for poisson", |t| t >= T::ZERO),
            Self::Hinge => ("-1 and 1 for hinge", |t| t.abs() == T::ONE),
            Self::SquaredHinge => ("-1 and 1 for squared_hinge", |t| t.abs() == T::ONE),
            _ => return Ok(()),
        };
        match targets.indexed_iter().find(|&(_, &t)| !inside(t)) {
            Some(((row, column), &t)) => Err(Error::value(name, expected, t, [row, column])),
            None => Ok(()),
        }
    }

    /// Factor and summand that turn targets into smoothed ones.
    pub(crate) fn smoothing(self, output: Activation, columns: usize) -> Option<(f64, f64)> {
        let Self::SmoothedLogLoss { label_smoothing } = self else { return None };
        let classes = if output == Activation::Softmax { columns as f64 } else { 2.0 };
        Some((1.0 - label_smoothing, label_smoothing / classes))
    }

    /// Whether it goes from net inputs to their derivatives, or from outputs to theirs.
    pub(crate) fn takes_net_inputs(self) -> bool {
        matches!(self, Self::LogLoss | Self::SmoothedLogLoss { .. } | Self::Poisson)
    }

    /// Losses and deltas of a block of rows.
    pub(crate) fn deltas<T: Scalar>(self, output: Activation, outputs: Outputs<'_, T>) {
        fn each<T: Scalar>(loss: impl Elementwise<T>, outputs: Outputs<'_, T>) {
            dispatch(Deltas { loss, outputs });
        }
        match self {
            Self::SquaredError => each(squared_error::SquaredError, outputs),
            Self::LogLoss | Self::SmoothedLogLoss { .. } => log_loss::deltas(output, outputs),
            Self::AbsoluteError => each(absolute_error::AbsoluteError, outputs),
            Self::Huber { delta } => each(huber::Huber { delta: T::from_f64(delta) }, outputs),
            Self::Quantile { quantile } => {
                each(quantile::Quantile { quantile: T::from_f64(quantile) }, outputs);
            }
            Self::Poisson => each(poisson::Poisson, outputs),
            Self::Hinge => each(hinge::Hinge, outputs),
            Self::SquaredHinge => each(hinge::SquaredHinge, outputs),
        }
    }
}
