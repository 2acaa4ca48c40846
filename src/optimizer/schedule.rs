//! How a learning rate falls in the course of training.

use crate::check::check_number;
use crate::error::{Error, Result, plain};
use crate::kernel::Scalar;

/// How a learning rate falls, epoch by epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Schedule {
    /// It does not.
    Constant,
    /// In a straight line from the first epoch to the floor at the last.
    Linear {
        /// The learning rate of the last epoch, at most that of the first.
        floor: f64,
    },
    /// learning rate / (rows seen so far + 1)^power, set after each epoch.
    InverseScaling {
        /// 0.5 is usual.
        power: f64,
    },
    /// Divided by 5 each time patience runs out, down to 1e-6, where training stops.
    Adaptive,
}

/// An adaptive learning rate at or below this is not divided any more.
const ADAPTIVE_FLOOR: f64 = 1e-6;

impl Schedule {
    /// The name it goes by in Python.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Linear { .. } => "linear",
            Self::InverseScaling { .. } => "invscaling",
            Self::Adaptive => "adaptive",
        }
    }

    pub(crate) fn check(self, learning_rate: f64) -> Result<()> {
        match self {
            Self::Constant | Self::Adaptive => Ok(()),
            Self::Linear { floor } => {
                check_number("final_learning_rate", floor, "0 or a positive number", |x| x >= 0.0)?;
                if floor > learning_rate {
                    let expected = format!("at most learning_rate = {learning_rate}");
                    return Err(Error::argument("final_learning_rate", expected, plain(floor)));
                }
                Ok(())
            }
            Self::InverseScaling { power } => {
                check_number("power_t", power, "0 or a positive number", |x| x >= 0.0)
            }
        }
    }

    /// The learning rate of epoch `epoch` (1 for the first) of `epochs`, given that of the epoch
    /// before and the rows seen until now.
    pub(crate) fn rate(self, initial: f64, current: f64, epoch: usize, epochs: usize, rows_seen: u64) -> f64 {
        match self {
            Self::Constant | Self::Adaptive => current,
            Self::Linear { floor } if epochs > 1 => {
                let left = (epochs - epoch) as f64 / (epochs - 1) as f64;
                floor + (initial - floor) * left
            }
            Self::Linear { .. } => initial,
            Self::InverseScaling { .. } if rows_seen == 0 => initial,
            Self::InverseScaling { power } => {
                let seen = rows_seen as f64 + 1.0;
                // Not `powf`, which may differ from one platform to the next.
                initial / if power == 0.5 { seen.sqrt() } else { Scalar::exp(power * Scalar::log(seen)) }
            }
        }
    }

    /// What happens to the learning rate when patience runs out: `None` stops the training.
    pub(crate) fn lowered(self, current: f64) -> Option<f64> {
        (self == Self::Adaptive && current > ADAPTIVE_FLOOR).then_some(current / 5.0)
    }
}
