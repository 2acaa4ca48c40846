//! Resilient propagation: each parameter has a step size of its own, which grows while the sign of
//! its gradient stays and shrinks when it changes. The magnitude of the gradient plays no part.
//!
//! This is iRPROP+: Igel & Hüsken, "Improving the Rprop learning algorithm", NC 2000, and
//! "Empirical evaluation of the improved Rprop learning algorithms", Neurocomputing 50, 2003, after
//! Riedmiller & Braun, "A direct adaptive method for faster backpropagation learning: the RPROP
//! algorithm", ICNN 1993. With p = sign(stored gradient) * sign(gradient) and step size D:
//!
//! - p > 0: D = min(D * increase, max)
//! - p < 0: D = max(D * decrease, min); if the loss rose, the last change is taken back; the
//!   stored gradient becomes 0, so that the next step neither grows nor shrinks D
//! - p >= 0: the parameter moves by -sign(gradient) * D

use super::{MOST_ARRAYS, Rule, Step};
use crate::error::{Error, Result, check_number};
use crate::kernel::Scalar;

/// Resilient propagation (iRPROP+). For full batches: it compares the gradients and losses of
/// successive steps.
///
/// ```
/// use ferroprop::{Optimizer, Rprop};
/// let optimizer = Optimizer::Rprop(Rprop { initial_step: 0.05, ..Rprop::default() });
/// assert_eq!(optimizer.arrays(), ["step_size", "previous_gradient", "change"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rprop {
    /// Growth of a step size while the gradient keeps its sign; above 1.
    pub increase: f64,
    /// Shrinkage when the sign changes; between 0 and 1.
    pub decrease: f64,
    /// Every step size at first; positive.
    pub initial_step: f64,
    /// The smallest step size; may be 0.
    pub min_step: f64,
    /// The largest step size.
    pub max_step: f64,
}

impl Default for Rprop {
    fn default() -> Self {
        Self { increase: 1.2, decrease: 0.5, initial_step: 0.1, min_step: 1e-6, max_step: 50.0 }
    }
}

impl Rule for Rprop {
    const ARRAYS: &'static [&'static str] = &["step_size", "previous_gradient", "change"];

    fn check(&self) -> Result<()> {
        check_number("increase", self.increase, "a number above 1", |x| x > 1.0)?;
        check_number("decrease", self.decrease, "between 0 and 1, both excluded", |x| x > 0.0 && x < 1.0)?;
        check_number("initial_step", self.initial_step, "a positive number", |x| x > 0.0)?;
        check_number("min_step", self.min_step, "0 or a positive number", |x| x >= 0.0)?;
        check_number("max_step", self.max_step, "a positive number", |x| x > 0.0)?;
        if self.min_step > self.max_step {
            let expected = format!("at most max_step = {}", self.max_step);
            return Err(Error::argument("min_step", expected, self.min_step));
        }
        Ok(())
    }

    fn initial(&self, array: usize) -> f64 {
        if array == 0 { self.initial_step } else { 0.0 }
    }

    #[inline(always)]
    fn step<T: Scalar>(
        &self,
        step: &Step,
        parameters: &mut [T],
        gradient: &[T],
        [step_size, previous, change]: [&mut [T]; MOST_ARRAYS],
    ) {
        let increase = T::from_f64(self.increase);
        let decrease = T::from_f64(self.decrease);
        let min = T::from_f64(self.min_step);
        let max = T::from_f64(self.max_step);
        // 1 takes the last change back, 0 leaves the parameter where it is.
        let back = if step.loss > step.previous_loss { T::ONE } else { T::ZERO };
        let n = parameters.len();
        let (gradient, step_size) = (&gradient[..n], &mut step_size[..n]);
        let (previous, change) = (&mut previous[..n], &mut change[..n]);
        for i in 0..n {
            let g = gradient[i];
            // Signs, never the product of gradients: that underflows.
            let agreement = sign(g) * sign(previous[i]);
            let d = step_size[i];
            let grown = d * increase;
            let shrunk = d * decrease;
            let d = if agreement > T::ZERO {
                if grown < max { grown } else { max }
            } else if agreement < T::ZERO {
                if shrunk > min { shrunk } else { min }
            } else {
                d
            };
            let reversed = agreement < T::ZERO;
            let forward = -sign(g) * d;
            let dw = if reversed { -(back * change[i]) } else { forward };
            parameters[i] += dw;
            step_size[i] = d;
            change[i] = if reversed { T::ZERO } else { dw };
            previous[i] = if reversed { T::ZERO } else { g };
        }
    }
}

#[inline(always)]
fn sign<T: Scalar>(x: T) -> T {
    if x > T::ZERO {
        T::ONE
    } else if x < T::ZERO {
        -T::ONE
    } else {
        T::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizer::Optimizer;

    /// f(x, y) = (x^2 + 2 x y + 10 y^2) / 2 from (1, -0.3): the trajectory worked out from the
    /// papers' rules.
    #[test]
    fn golden_trace() {
        let expected = [
            (1, [0.9, -0.2]),
            (2, [0.78, -0.08]),
            (3, [0.636, 0.064]),
            (4, [0.4632, 0.064]),
            (5, [0.25584, -0.008]),
            (6, [0.007008, -0.0944]),
            (7, [0.25584, -0.008]),
            (8, [0.131424, -0.0512]),
            (12, [0.0567744, -0.00368]),
        ];
        let optimizer = Optimizer::Rprop(Rprop::default());
        let mut w = [1.0, -0.3];
        let mut arrays = [[0.1; 2], [0.0; 2], [0.0; 2]];
        let mut previous_loss = f64::INFINITY;
        for number in 1..=12 {
            let [x, y] = w;
            let loss = 0.5 * (x * x + 2.0 * x * y + 10.0 * y * y);
            let gradient = [x + y, x + 10.0 * y];
            let step = Step { number, learning_rate: 0.0, loss, previous_loss };
            let [a, b, c] = &mut arrays;
            optimizer.step(&step, &mut w, &gradient, [a, b, c]);
            previous_loss = loss;
            if let Some((_, expected)) = expected.iter().find(|(t, _)| *t == number) {
                for (got, expected) in w.iter().zip(expected) {
                    assert!((got - expected).abs() < 1e-15, "step {number}: {w:?}");
                }
            }
        }
    }
}
