//! Numbers that change in the course of a training: learning rates, weight decay, rates of dropout.
//!
//! Most are functions of the step and of the number of steps in the whole training, so that a training that
//! is taken up again goes on as if it had never stopped. Two look at the course of the training, epoch by
//! epoch, as scikit-learn's do: inverse scaling and the adaptive rate.

use std::any::Any;
use std::fmt::{Debug, Formatter};
use std::sync::Arc;

use crate::check::check_number;
use crate::error::{Error, Result, plain};
use crate::kernel::{Scalar, cos_pi};

/// A number that may change in the course of a training.
///
/// A step is counted from 1, through warm starts; the whole training has the steps that the optimizer made
/// before and those of all epochs of the call, unless a schedule has its own number of `steps`.
///
/// ```
/// use ferroprop::{Adam, Fall, Schedule};
/// let schedule = Schedule::Cosine(Fall { warm_up: 0.1, ..Fall::to_zero(2e-3) });
/// let adam = Adam { learning_rate: schedule.clone(), ..Adam::default() };
/// assert_eq!(schedule.at(11, 100), Some(2e-3));
/// assert_eq!(Adam::default().learning_rate, Schedule::Constant(1e-3));
/// ```
#[derive(Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Schedule {
    /// The same all along.
    Constant(f64),
    /// In a straight line to the last value.
    Linear(Fall),
    /// Along half a wave of the cosine to the last value (Loshchilov & Hutter, "SGDR: stochastic gradient
    /// descent with warm restarts", ICLR 2017, equation 5, without restarts).
    Cosine(Fall),
    /// By the same factor each step to the last value, which is positive.
    Exponential(Fall),
    /// Up and down again (Smith & Topin, "Super-convergence: very fast training of neural networks using
    /// large learning rates", 2017).
    OneCycle(OneCycle),
    /// `value / (rows seen so far + 1)^power`, set after each epoch: scikit-learn's "invscaling".
    InverseScaling {
        /// The first epoch's.
        value: f64,
        /// 0.5 is usual.
        power: f64,
    },
    /// Divided by 5 each time patience runs out, down to 1e-6, where training stops: scikit-learn's
    /// "adaptive".
    Adaptive {
        /// The first epoch's.
        value: f64,
    },
    /// What a function of the caller's gives.
    #[cfg_attr(feature = "serde", serde(skip))]
    By(StepFunction),
}

/// A schedule in three phases: warm-up from nearly 0 to the value in a straight line, a time at the value,
/// and the fall from there to the last value, which the training would reach one step after its end.
#[derive(Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Fall {
    /// The value from which it falls; positive, or 0.
    pub value: f64,
    /// The last value. It may be greater than the first.
    pub last: f64,
    /// The part of the training that is warm-up, from 0 to 1.
    pub warm_up: f64,
    /// The part of the training that stays at the value.
    pub flat: f64,
    /// The steps of the whole training; `None` means those that it has.
    pub steps: Option<u64>,
}

/// A schedule that rises from a fraction of its peak along half a wave of the cosine, and falls along
/// another to a smaller fraction.
#[derive(Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct OneCycle {
    /// The greatest value.
    pub value: f64,
    /// The part of the training that is the rise, from 0 to 1; 0.3 is usual.
    pub warm_up: f64,
    /// The peak over the first value; 25 is usual.
    pub div_factor: f64,
    /// The first value over the last one; 10,000 is usual.
    pub final_div_factor: f64,
    /// The steps of the whole training; `None` means those that it has.
    pub steps: Option<u64>,
}

/// A function of the step (1 for the first); `None` ends the training as an interruption does.
pub trait FunctionOfStep: Any + Send + Sync {
    /// The number of a step.
    fn at(&self, step: u64) -> Option<f64>;
}

impl<F: Fn(u64) -> Option<f64> + Any + Send + Sync> FunctionOfStep for F {
    fn at(&self, step: u64) -> Option<f64> {
        self(step)
    }
}

/// A shared function of the step; equal to itself alone.
#[derive(Clone)]
pub struct StepFunction(pub Arc<dyn FunctionOfStep>);

impl PartialEq for StepFunction {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// An adaptive learning rate at or below this is not divided any more.
const ADAPTIVE_FLOOR: f64 = 1e-6;

impl Fall {
    /// A fall to 0 that begins at once.
    #[must_use]
    pub fn to_zero(value: f64) -> Self {
        Self { value, last: 0.0, warm_up: 0.0, flat: 0.0, steps: None }
    }

    fn check(&self) -> Result<()> {
        check_fraction("warm_up", self.warm_up)?;
        check_fraction("flat", self.flat)?;
        if self.warm_up + self.flat > 1.0 {
            let expected = format!("at most 1 - warm_up = {}", plain(1.0 - self.warm_up));
            return Err(Error::argument("flat", expected, plain(self.flat)));
        }
        check_number("final", self.last, "0 or a positive number", |x| x >= 0.0)?;
        check_steps(self.steps)
    }

    /// The number after `done` of `steps` steps, where `fallen` is the number between the two values for a
    /// part of the fall.
    fn at(&self, done: f64, steps: f64, fallen: impl Fn(f64) -> f64) -> f64 {
        let warm_up = self.warm_up * steps;
        let begin = (self.warm_up + self.flat) * steps;
        if done < warm_up {
            // The first step is not made with 0, and the first one after the warm-up has the value.
            self.value * (done + 1.0) / (warm_up + 1.0)
        } else if done <= begin {
            self.value
        } else if done < steps {
            fallen((done - begin) / (steps - begin))
        } else {
            self.last
        }
    }
}

impl OneCycle {
    /// With the usual constants.
    #[must_use]
    pub fn new(value: f64) -> Self {
        Self { value, warm_up: 0.3, div_factor: 25.0, final_div_factor: 1e4, steps: None }
    }

    fn check(&self) -> Result<()> {
        check_fraction("warm_up", self.warm_up)?;
        check_number("div_factor", self.div_factor, "at least 1", |x| x >= 1.0)?;
        check_number("final_div_factor", self.final_div_factor, "at least 1", |x| x >= 1.0)?;
        check_steps(self.steps)
    }

    fn at(&self, done: f64, steps: f64) -> f64 {
        let first = self.value / self.div_factor;
        let peak = self.warm_up * steps;
        if done < peak {
            along_cosine(first, self.value, done / peak)
        } else if done < steps {
            along_cosine(self.value, first / self.final_div_factor, (done - peak) / (steps - peak))
        } else {
            first / self.final_div_factor
        }
    }
}

/// From one number to another along half a wave, of which this part is done.
fn along_cosine(from: f64, to: f64, part: f64) -> f64 {
    to + (from - to) * (0.5 * (1.0 + cos_pi(part)))
}

fn check_fraction(name: &'static str, fraction: f64) -> Result<()> {
    check_number(name, fraction, "from 0 to 1", |x| (0.0..=1.0).contains(&x))
}

fn check_steps(steps: Option<u64>) -> Result<()> {
    if steps == Some(0) { Err(Error::argument("steps", "a positive integer", 0)) } else { Ok(()) }
}

impl From<f64> for Schedule {
    fn from(value: f64) -> Self {
        Self::Constant(value)
    }
}

impl Schedule {
    /// A schedule that a function of the step (1 for the first) gives; `None` ends the training as an
    /// interruption does. It is called once for each step.
    ///
    /// ```
    /// use ferroprop::Schedule;
    /// let schedule = Schedule::by(|step: u64| Some(1.0 / step as f64));
    /// assert_eq!(schedule.at(4, 100), Some(0.25));
    /// ```
    pub fn by(function: impl Fn(u64) -> Option<f64> + Send + Sync + 'static) -> Self {
        Self::By(StepFunction(Arc::new(function)))
    }

    /// The number that it is called by: the peak, which for most is the first one. `None` for functions.
    #[must_use]
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Constant(value) | Self::InverseScaling { value, .. } | Self::Adaptive { value } => {
                Some(*value)
            }
            Self::Linear(fall) | Self::Cosine(fall) | Self::Exponential(fall) => Some(fall.value),
            Self::OneCycle(cycle) => Some(cycle.value),
            Self::By(_) => None,
        }
    }

    /// The number at a step (1 for the first) of a training of so many; `None` if a function does not go
    /// on, and for what depends on the course of the training.
    #[must_use]
    pub fn at(&self, step: u64, steps: u64) -> Option<f64> {
        let done = step.saturating_sub(1) as f64;
        let of = |own: Option<u64>| own.unwrap_or(steps) as f64;
        Some(match self {
            Self::Constant(value) => *value,
            Self::Linear(fall) => {
                fall.at(done, of(fall.steps), |part| fall.last + (fall.value - fall.last) * (1.0 - part))
            }
            Self::Cosine(fall) => {
                fall.at(done, of(fall.steps), |part| along_cosine(fall.value, fall.last, part))
            }
            Self::Exponential(fall) => fall.at(done, of(fall.steps), |part| {
                fall.value * Scalar::exp(part * Scalar::log(fall.last / fall.value))
            }),
            Self::OneCycle(cycle) => cycle.at(done, of(cycle.steps)),
            Self::InverseScaling { .. } | Self::Adaptive { .. } => return None,
            Self::By(function) => return function.0.at(step),
        })
    }

    /// Whether it is 0 all along.
    pub(crate) fn is_zero(&self) -> bool {
        match self {
            Self::Linear(fall) | Self::Cosine(fall) | Self::Exponential(fall) => {
                fall.value == 0.0 && fall.last == 0.0
            }
            _ => self.value() == Some(0.0),
        }
    }

    /// Checks that it is one, whatever it is for.
    pub(crate) fn check_shape(&self) -> Result<()> {
        let positive = |name, number| check_number(name, number, "a positive number", |x| x > 0.0);
        if let Some(value) = self.value() {
            check_number("value", value, "0 or a positive number", |x| x >= 0.0)?;
        }
        match self {
            Self::Constant(_) | Self::Adaptive { .. } | Self::By(_) => Ok(()),
            Self::Linear(fall) | Self::Cosine(fall) => fall.check(),
            Self::Exponential(fall) => {
                positive("value", fall.value)?;
                positive("final", fall.last)?;
                fall.check()
            }
            Self::OneCycle(cycle) => cycle.check(),
            Self::InverseScaling { power, .. } => {
                check_number("power", *power, "0 or a positive number", |x| x >= 0.0)
            }
        }
    }

    /// Checks that it is a schedule of an argument, of which it must be in a domain; of 0 only its ends.
    pub(crate) fn check(
        &self,
        name: &'static str,
        expected: &str,
        domain: impl Fn(f64) -> bool,
    ) -> Result<()> {
        if let Some(value) = self.value() {
            check_number(name, value, expected, &domain)?;
        }
        self.check_shape()?;
        match self {
            Self::Linear(fall) | Self::Cosine(fall) | Self::Exponential(fall) => {
                check_number(name, fall.last, expected, |last| last == 0.0 || domain(last))
            }
            _ => Ok(()),
        }
    }

    /// Checks that it does not depend on the course of the training.
    pub(crate) fn check_by_step(&self, name: &'static str) -> Result<()> {
        let got = match self {
            Self::InverseScaling { .. } => "inverse scaling",
            Self::Adaptive { .. } => "an adaptive number",
            _ => return Ok(()),
        };
        Err(Error::argument(name, "a number, a schedule by step or a function of the step", got))
    }

    /// The number of a step, given that of the step before, which stays unless it changes by step.
    /// `None` if a function does not go on.
    pub(crate) fn next(
        &self,
        name: &'static str,
        current: f64,
        [step, steps]: [u64; 2],
        below: f64,
    ) -> Result<Option<f64>> {
        if matches!(self, Self::Constant(_) | Self::InverseScaling { .. } | Self::Adaptive { .. }) {
            return Ok(Some(current));
        }
        let number = self.at(step, steps);
        if matches!(self, Self::By(_)) && number.is_some_and(|number| !(0.0..below).contains(&number)) {
            let domain = if below.is_finite() { format!(", below {below}") } else { String::new() };
            let expected = format!("a function that returns 0 or a positive number{domain}");
            let got = format!("{} at step {step}", plain(number.unwrap_or_default()));
            return Err(Error::argument(name, expected, got));
        }
        Ok(number)
    }

    /// The number of a step by hand (1 for the first), which knows of no training. `None` if it stays what it
    /// is.
    pub(crate) fn by_hand(&self, name: &'static str, step: u64) -> Result<Option<f64>> {
        let own = match self {
            Self::Constant(_) | Self::InverseScaling { .. } | Self::Adaptive { .. } => return Ok(None),
            Self::By(_) => Some(0),
            Self::Linear(fall) | Self::Cosine(fall) | Self::Exponential(fall) => fall.steps,
            Self::OneCycle(cycle) => cycle.steps,
        };
        let Some(steps) = own else {
            let expected = "a number, a function or a schedule with steps of its own for steps by hand";
            return Err(Error::argument(name, expected, format_args!("{self:?}")));
        };
        match self.next(name, 0.0, [step, steps], f64::INFINITY)? {
            Some(number) => Ok(Some(number)),
            None => Err(Error::Interrupted),
        }
    }

    /// The learning rate of an epoch, given that of the epoch before and the rows seen until now; those
    /// by step change within it.
    pub(crate) fn of_epoch(&self, current: f64, rows_seen: u64) -> f64 {
        match self {
            Self::InverseScaling { value, .. } if rows_seen == 0 => *value,
            Self::InverseScaling { value, power } => {
                let seen = rows_seen as f64 + 1.0;
                // Not `powf`, which may differ from one platform to the next.
                value / if *power == 0.5 { seen.sqrt() } else { Scalar::exp(power * Scalar::log(seen)) }
            }
            _ => current,
        }
    }

    /// What happens to the learning rate when patience runs out: `None` stops the training.
    pub(crate) fn lowered(&self, current: f64) -> Option<f64> {
        (matches!(self, Self::Adaptive { .. }) && current > ADAPTIVE_FLOOR).then_some(current / 5.0)
    }
}

/// As Python prints it; checkpoints describe it so too.
impl Debug for Schedule {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Constant(value) => write!(f, "{value:?}"),
            Self::Linear(fall) => write!(f, "Linear{fall:?}"),
            Self::Cosine(fall) => write!(f, "Cosine{fall:?}"),
            Self::Exponential(fall) => write!(f, "Exponential{fall:?}"),
            Self::OneCycle(cycle) => write!(f, "OneCycle{cycle:?}"),
            Self::InverseScaling { value, power } => write!(f, "InverseScaling({value:?}, power={power:?})"),
            Self::Adaptive { value } => write!(f, "Adaptive({value:?})"),
            Self::By(function) => write!(f, "{function:?}"),
        }
    }
}

impl Debug for Fall {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { value, last, warm_up, flat, steps } = self;
        write!(f, "({value:?}, final={last:?}, warm_up={warm_up:?}, flat={flat:?}")?;
        close(f, *steps)
    }
}

impl Debug for OneCycle {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { value, warm_up, div_factor, final_div_factor, steps } = self;
        write!(f, "({value:?}, warm_up={warm_up:?}, div_factor={div_factor:?}, ")?;
        write!(f, "final_div_factor={final_div_factor:?}")?;
        close(f, *steps)
    }
}

fn close(f: &mut Formatter<'_>, steps: Option<u64>) -> std::fmt::Result {
    steps.map_or(Ok(()), |steps| write!(f, ", steps={steps}"))?;
    f.write_str(")")
}

impl Debug for StepFunction {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("a function")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_meet() {
        let fall = Fall { last: 0.1, warm_up: 0.25, flat: 0.25, ..Fall::to_zero(1.0) };
        for schedule in [Schedule::Linear(fall), Schedule::Cosine(fall), Schedule::Exponential(fall)] {
            let at = |step| schedule.at(step, 8).unwrap();
            assert_eq!([1, 2, 3, 4, 5].map(at), [1.0 / 3.0, 2.0 / 3.0, 1.0, 1.0, 1.0]);
            assert!((6..9).all(|step| at(step) < at(step - 1) && at(step) > 0.1));
            assert_eq!([9, 1000].map(at), [0.1, 0.1]);
        }
        let whole = Schedule::Linear(Fall { warm_up: 1.0, ..Fall::to_zero(2.0) });
        assert_eq!([1, 2, 3].map(|step| whole.at(step, 3).unwrap()), [0.5, 1.0, 1.5]);
    }

    #[test]
    fn an_own_number_of_steps_counts() {
        let schedule = Schedule::Cosine(Fall { steps: Some(10), ..Fall::to_zero(1.0) });
        assert_eq!(schedule.at(6, 3), Some(0.5));
        assert_eq!(format!("{schedule:?}"), "Cosine(1.0, final=0.0, warm_up=0.0, flat=0.0, steps=10)");
    }
}
