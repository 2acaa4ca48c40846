//! Losses: one file each, and the list of all.
//!
//! A loss is a sum over rows; a training step divides it by the sum of the rows' weights. Those that
//! belong to one output activation (log loss, Poisson) go from its net inputs to losses and their
//! derivatives with respect to the net inputs ("delta"), in a form that neither overflows nor loses
//! digits where outputs saturate. The others go from outputs to derivatives with respect to these,
//! and the output activation's own derivative follows.

mod absolute_error;
mod complex;
mod custom;
mod elementwise;
mod fits;
mod focal;
mod hinge;
mod huber;
mod log_cosh;
mod log_loss;
mod outputs;
mod poisson;
mod quantile;
mod squared_error;
mod squared_hinge;

pub(crate) use custom::custom_losses;
pub use custom::{Objective, RowLoss};
pub(crate) use fits::Fits;
use ndarray::ArrayView2;
pub(crate) use outputs::Outputs;

use crate::activation::Activation;
use crate::catalogue::{catalogue, find};
use crate::error::{Error, Result};
use crate::kernel::{Scalar, dispatch};
use elementwise::{Deltas, RowLosses};

/// Passes its input and the list of all losses to a macro.
///
/// A line has the variant with its hyperparameters, its file, and `by_rows` if it does not treat each output by itself.
macro_rules! losses {
    ($reader:ident $($given:tt)*) => {
        $reader! {
            $($given)*;
            /// (a - t)^2 / 2.
            SquaredError => squared_error;
            /// The negative log-likelihood of the targets: of independent yes/no outputs (logistic) or of
            /// one class among several (softmax). Label smoothing s moves the targets towards the middle:
            /// (1 - s) t + s / K for K classes of a softmax, (1 - s) t + s / 2 for logistic outputs.
            LogLoss { label_smoothing } => log_loss: by_rows;
            /// |a - t|
            AbsoluteError => absolute_error;
            /// (a - t)^2 / 2 up to a distance of delta, 1 by default, and linear beyond.
            Huber { delta } => huber;
            /// q (t - a) if that is positive, else (1 - q) (a - t), with the quantile q between 0 and 1.
            Quantile { quantile } => quantile;
            /// t log(t / a) - t + a, half the Poisson deviance; for exponential outputs and targets from 0 on.
            Poisson => poisson;
            /// max(0, 1 - t a), for identity outputs and targets -1 and 1.
            Hinge => hinge;
            /// ln(cosh(a - t))
            LogCosh => log_cosh;
            /// The log loss times (1 - a)^gamma, or a^gamma for the target 0 of a logistic output; 2 is the usual gamma.
            Focal { gamma } => focal: by_rows;
            /// max(0, 1 - t a)^2, for identity outputs and targets -1 and 1.
            SquaredHinge => squared_hinge;
        }
    };
}

losses! { catalogue
    /// The function that training minimises. Each is summed over the outputs of a row; a is an output, t its target.
    ///
    /// Unless stated otherwise, a loss goes with any output activation.
    Loss
}

/// Computes losses and deltas.
macro_rules! deltas_of {
    ($loss:expr, $t:ty, $output:expr, $outputs:expr;
     $($(#[$line:meta])* $variant:ident $({ $($hyperparameter:ident),+ })? => $file:ident $(: $way:ident)?;)*) => {
        match $loss {
            $(Loss::$variant $({ $($hyperparameter),+ })? => {
                let loss = deltas_of!(@made $t, $file::$variant $(, $($hyperparameter),+)?);
                deltas_of!(@fill $($way)? loss, $output, $outputs);
            })*
        }
    };
    (@made $t:ty, $file:ident::$loss:ident) => { $file::$loss };
    (@made $t:ty, $file:ident::$loss:ident, $($hyperparameter:ident),+) => {
        $file::$loss::<$t>::new($($hyperparameter),+)
    };
    (@fill by_rows $made:ident, $output:expr, $outputs:expr) => { $made.deltas($output, $outputs) };
    (@fill $made:ident, $output:expr, $outputs:expr) => { dispatch(Deltas { loss: $made, outputs: $outputs }) };
}

/// The outputs and targets that each loss of the list goes with.
macro_rules! fits_of {
    ($loss:expr;
     $($(#[$line:meta])* $variant:ident $({ $($hyperparameter:ident),+ })? => $file:ident $(: $way:ident)?;)*) => {
        match $loss {
            $(Loss::$variant { .. } => &$file::FITS,)*
        }
    };
}

impl Loss {
    /// The log loss without label smoothing.
    pub const LOG_LOSS: Self = Self::LogLoss { label_smoothing: 0.0 };

    /// The loss with this name, with its usual hyperparameters.
    ///
    /// # Errors
    /// [`Error::Argument`] with the list of names.
    ///
    /// ```
    /// use ferroprop::Loss;
    /// assert_eq!(Loss::from_name("log_loss")?, Loss::LOG_LOSS);
    /// # Ok::<(), ferroprop::Error>(())
    /// ```
    pub fn from_name(name: &str) -> Result<Self> {
        find(&Self::LIST, "loss", name).map(|(index, _)| Self::ALL[index])
    }

    /// The loss that belongs to an output activation: the log loss where outputs are
    /// probabilities, else the squared error.
    #[must_use]
    pub fn natural(output: Activation) -> Self {
        match output {
            Activation::Logistic { .. } | Activation::Softmax => Self::LOG_LOSS,
            _ => Self::SquaredError,
        }
    }

    /// The outputs and targets that it goes with.
    pub(crate) fn fits(self) -> &'static Fits {
        losses!(fits_of self)
    }

    /// Checks that the loss goes with an output activation.
    pub(crate) fn check_output(self, output: Activation) -> Result<()> {
        let outputs = self.fits().outputs;
        if outputs.is_empty() || outputs.contains(&output.name()) {
            return Ok(());
        }
        let expected = outputs.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(" or ");
        Err(Error::LossAndOutput { loss: self.name(), expected, got: output.name() })
    }

    /// Checks that targets lie in the loss's domain.
    pub(crate) fn check_targets<T: Scalar>(
        self,
        output: Activation,
        name: &'static str,
        targets: ArrayView2<'_, T>,
        place: impl Fn([usize; 2]) -> Vec<usize>,
    ) -> Result<()> {
        self.fits().targets.check(self.name(), output, name, targets, place)
    }

    /// The factor and the summand of label smoothing.
    pub(crate) fn smoothing(self, output: Activation, columns: usize) -> Option<(f64, f64)> {
        let Self::LogLoss { label_smoothing } = self else { return None };
        log_loss::smoothing(label_smoothing, output, columns)
    }

    /// Whether it is computed from net inputs, and gives derivatives by them, instead of by outputs.
    pub(crate) fn takes_net_inputs(self) -> bool {
        self.fits().net_inputs
    }

    /// Computes the losses and deltas of a block of rows.
    pub(crate) fn deltas<T: Scalar>(self, output: Activation, outputs: Outputs<'_, T>) {
        losses!(deltas_of self, T, output, outputs);
    }
}
