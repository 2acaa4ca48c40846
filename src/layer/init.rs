//! Initial weights and biases.

use crate::activation::Activation;
use crate::check::check_number;
use crate::error::Result;
use crate::number::Number;

/// How initial weights and biases are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// Uniform within sqrt(6 / (fan in + fan out)), or sqrt(2 / ...) for logistic layers: Glorot &
    /// Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    /// AISTATS 2010, biases included as in scikit-learn.
    Glorot,
    /// Uniform within the range around 0.
    Uniform {
        /// The largest absolute value.
        range: f64,
    },
}

impl Init {
    /// Checks what can be checked without a type of numbers.
    pub(crate) fn check(self) -> Result<()> {
        match self {
            Self::Glorot => Ok(()),
            Self::Uniform { range } => {
                check_number("init_range", range, "0 or a positive number", |x| x >= 0.0)
            }
        }
    }

    /// Checks that a type of numbers can hold what is drawn.
    pub(crate) fn check_typed<T: Number>(self) -> Result<()> {
        self.check()?;
        let Self::Uniform { range } = self else { return Ok(()) };
        let expected = format!("a number that {} can hold", T::NAME);
        check_number("init_range", range, &expected, |range| T::from_f64(range).is_finite())
    }

    /// The largest absolute value of either part of a complex weight or bias: the mean of its squared absolute value
    /// is that of a real one's square.
    pub(super) fn bound_of_parts(self, fan_in: usize, fan_out: usize, activation: Activation) -> f64 {
        match self {
            Self::Glorot => self.bound(fan_in, fan_out, activation) / std::f64::consts::SQRT_2,
            Self::Uniform { range } => range,
        }
    }

    /// The largest absolute value of a weight or bias.
    pub(super) fn bound(self, fan_in: usize, fan_out: usize, activation: Activation) -> f64 {
        match self {
            Self::Glorot => {
                let gain = if matches!(activation, Activation::Logistic { .. }) { 2.0 } else { 6.0 };
                (gain / (fan_in + fan_out) as f64).sqrt()
            }
            Self::Uniform { range } => range,
        }
    }
}
