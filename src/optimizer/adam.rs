//! Adam: Kingma & Ba, "Adam: a method for stochastic optimization", ICLR 2015, in the form at the
//! end of its section 2, where the bias corrections go into the learning rate:
//! m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2,
//! w -= rate sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon).

use super::rule::{MOST_ARRAYS, Rule, Step, check_learning_rate, rate_constant};
use crate::check::check_number;
use crate::error::Result;
use crate::kernel::Scalar;
use crate::schedule::Schedule;

/// Adaptive moment estimation.
#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
    /// The learning rate; positive.
    pub learning_rate: Schedule,
    /// Decay of the mean of the gradients, from 0 to below 1.
    pub beta_1: f64,
    /// Decay of the mean of their squares, from 0 to below 1.
    pub beta_2: f64,
    /// Keeps the quotient finite; positive.
    pub epsilon: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Self { learning_rate: 1e-3.into(), beta_1: 0.9, beta_2: 0.999, epsilon: 1e-8 }
    }
}

impl Rule for Adam {
    const ARRAYS: &'static [&'static str] = &["first_moment", "second_moment"];

    fn check(&self) -> Result<()> {
        check_learning_rate(&self.learning_rate)?;
        let decay = |x: f64| (0.0..1.0).contains(&x);
        check_number("beta_1", self.beta_1, "from 0 to 1, 1 excluded", decay)?;
        check_number("beta_2", self.beta_2, "from 0 to 1, 1 excluded", decay)?;
        check_number("epsilon", self.epsilon, "a positive number", |x| x > 0.0)
    }

    fn constants(&self) -> Vec<(&'static str, f64)> {
        rate_constant(&self.learning_rate).chain([("epsilon", self.epsilon)]).collect()
    }

    fn learning_rate(&self) -> Option<&Schedule> {
        Some(&self.learning_rate)
    }

    #[inline(always)]
    fn step<T: Scalar>(
        &self,
        step: &Step,
        parameters: &mut [T],
        gradient: &[T],
        [first, second, _]: [&mut [T]; MOST_ARRAYS],
    ) {
        self.step_from(T::ONE, step, parameters, gradient, [first, second]);
    }
}

impl Adam {
    /// A step from parameters that are first multiplied by `keep`.
    #[inline(always)]
    fn step_from<T: Scalar>(
        &self,
        keep: T,
        step: &Step,
        parameters: &mut [T],
        gradient: &[T],
        [first, second]: [&mut [T]; 2],
    ) {
        let rate = step.learning_rate * (1.0 - power(self.beta_2, step.number)).sqrt()
            / (1.0 - power(self.beta_1, step.number));
        let rate = T::from_f64(rate);
        let (beta_1, rest_1) = (T::from_f64(self.beta_1), T::from_f64(1.0 - self.beta_1));
        let (beta_2, rest_2) = (T::from_f64(self.beta_2), T::from_f64(1.0 - self.beta_2));
        let epsilon = T::from_f64(self.epsilon);
        let n = parameters.len();
        let (gradient, first, second) = (&gradient[..n], &mut first[..n], &mut second[..n]);
        for i in 0..n {
            let g = gradient[i];
            let m = beta_1 * first[i] + rest_1 * g;
            let v = beta_2 * second[i] + rest_2 * (g * g);
            first[i] = m;
            second[i] = v;
            parameters[i] = keep * parameters[i] - rate * m / (v.sqrt() + epsilon);
        }
    }
}

/// Adam with decoupled weight decay: a step first multiplies each weight by 1 - learning rate *
/// decay, whatever the gradient is (Loshchilov & Hutter, "Decoupled weight decay regularization",
/// ICLR 2019). Biases do not decay.
#[derive(Clone, Debug, PartialEq)]
pub struct AdamW {
    /// All else.
    pub adam: Adam,
    /// The part of a weight that goes with a learning rate of 1; 0 or positive.
    pub weight_decay: Schedule,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { adam: Adam::default(), weight_decay: 0.01.into() }
    }
}

impl Rule for AdamW {
    const ARRAYS: &'static [&'static str] = Adam::ARRAYS;

    fn check(&self) -> Result<()> {
        self.adam.check()?;
        self.weight_decay.check("weight_decay", "0 or a positive number", |x| x >= 0.0)?;
        self.weight_decay.check_by_step("weight_decay")
    }

    fn constants(&self) -> Vec<(&'static str, f64)> {
        self.adam.constants()
    }

    fn learning_rate(&self) -> Option<&Schedule> {
        Some(&self.adam.learning_rate)
    }

    fn weight_decay(&self) -> Option<&Schedule> {
        Some(&self.weight_decay)
    }

    #[inline(always)]
    fn step<T: Scalar>(
        &self,
        step: &Step,
        parameters: &mut [T],
        gradient: &[T],
        [first, second, _]: [&mut [T]; MOST_ARRAYS],
    ) {
        let keep = T::from_f64(1.0 - step.learning_rate * step.weight_decay);
        self.adam.step_from(keep, step, parameters, gradient, [first, second]);
    }
}

/// base^exponent by repeated squaring: `powi` may differ from one platform to the next.
fn power(mut base: f64, mut exponent: u64) -> f64 {
    let mut result = 1.0;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result *= base;
        }
        base *= base;
        exponent >>= 1;
    }
    result
}
