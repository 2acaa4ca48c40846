//! Resilient propagation: each parameter has its own step size; the magnitude of the gradient
//! plays no part. The four variants differ in their reaction to a change of the gradient's sign.
//!
//! With D the step size, already adapted (see [`StepSizes`]), every parameter whose gradient kept
//! its sign, or is 0 now or was stored as 0, moves by -sign(gradient) * D. Where the sign changed:
//!
//! - RPROP+ undoes the last change (Riedmiller & Braun, ICNN 1993);
//! - RPROP- moves by -sign(gradient) * D all the same (Riedmiller, "Advanced supervised learning in
//!   multi-layer perceptrons", Computer Standards and Interfaces 16, 1994);
//! - iRPROP+ undoes the last change if the loss rose, otherwise the parameter stays;
//! - iRPROP- leaves the parameter unchanged (both: Igel & Hüsken, "Improving the Rprop learning
//!   algorithm", NC 2000, and "Empirical evaluation of the improved Rprop learning algorithms",
//!   Neurocomputing 50, 2003).
//!
//! All except RPROP- then store 0 as the gradient, so that the next step neither grows nor shrinks D;
//! hence a change is never undone twice.

use std::hint::select_unpredictable;

use super::rule::{MOST_ARRAYS, Rule, Step, fields, for_each};
use super::step_sizes::{DECREASE, INCREASE, INITIAL_STEP, MAX_STEP, MIN_STEP, StepSizes, agreement, sign};
use crate::catalogue::{About, Hyperparameter, Setting, Usual, Value};
use crate::error::{Error, Result};
use crate::kernel::Scalar;

/// The reaction to a change of a gradient's sign.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Variant {
    /// RPROP+: the last change is undone.
    Plus,
    /// RPROP-: a step in the new direction.
    Minus,
    /// iRPROP+: the last change is undone if the loss rose.
    #[default]
    ImprovedPlus,
    /// iRPROP-: no step.
    ImprovedMinus,
}

impl Variant {
    /// All variants.
    pub const ALL: [Self; 4] = [Self::Plus, Self::Minus, Self::ImprovedPlus, Self::ImprovedMinus];

    /// The name in Python.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plus => "rprop+",
            Self::Minus => "rprop-",
            Self::ImprovedPlus => "irprop+",
            Self::ImprovedMinus => "irprop-",
        }
    }

    /// The variant with this name.
    ///
    /// # Errors
    /// [`Error::Argument`] for any other name.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|variant| variant.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(|variant| format!("{:?}", variant.name())).join(", ");
            Error::argument("variant", format!("one of {names}"), format_args!("{name:?}"))
        })
    }
}

impl From<Variant> for Value {
    fn from(variant: Variant) -> Self {
        Self::Name(variant.name())
    }
}

impl Setting for Variant {
    fn set(&mut self, value: &Value) {
        let named = |variant: &Self| *value == Value::Name(variant.name());
        *self = Self::ALL.into_iter().find(named).unwrap_or(*self);
    }
}

/// Resilient propagation. For full batches: it compares the gradients, and iRPROP+ the losses, of
/// successive steps.
///
/// ```
/// use ferroprop::{Optimizer, Rprop, Variant};
/// let optimizer = Optimizer::Rprop(Rprop::default());
/// assert_eq!(optimizer.arrays(), ["step_size", "previous_gradient", "change"]);
/// let optimizer = Optimizer::Rprop(Rprop { variant: Variant::ImprovedMinus, ..Rprop::default() });
/// assert_eq!(optimizer.arrays(), ["step_size", "previous_gradient"]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rprop {
    /// The variant; iRPROP+ by default.
    pub variant: Variant,
    /// Initial value, growth and decline of step sizes.
    pub step_sizes: StepSizes,
}

impl Rule for Rprop {
    const ABOUT: About = About {
        name: "rprop",
        presets: &[
            ("rprop+", "variant", Usual::Name("rprop+")),
            ("rprop-", "variant", Usual::Name("rprop-")),
            ("irprop+", "variant", Usual::Name("irprop+")),
            ("irprop-", "variant", Usual::Name("irprop-")),
        ],
        class: "Rprop",
        summary: "Resilient propagation: full-batch learning without a learning rate.",
        details: "\
Each parameter has a step size of its own, which grows while the sign of its gradient stays and shrinks when it
changes; the magnitude of the gradient plays no part. The parameter moves by its step size, against the sign of
its gradient. The variants differ where that sign changed:

- ``\"rprop+\"`` takes the last change back;
- ``\"rprop-\"`` moves in the new direction;
- ``\"irprop+\"`` takes the last change back if the loss rose, else stays;
- ``\"irprop-\"`` stays.",
        hyperparameters: &[
            Hyperparameter {
                usual: Usual::Name("irprop+"),
                ..Hyperparameter::name("variant", &["rprop+", "rprop-", "irprop+", "irprop-"], "The rule.")
            },
            INCREASE,
            DECREASE,
            INITIAL_STEP,
            MIN_STEP,
            MAX_STEP,
            Hyperparameter::seed("Seeds the random numbers of `initial_step`."),
        ],
        positional: 1,
        value: "each parameter's own step size, against the sign of its gradient",
        source: r#"M. Riedmiller and H. Braun, "A direct adaptive method for faster backpropagation learning: the
            RPROP algorithm", ICNN 1993 (RPROP+). M. Riedmiller, "Advanced supervised learning in multi-layer
            perceptrons", Computer Standards and Interfaces 16, 1994 (RPROP-). C. Igel and M. Hüsken, "Empirical
            evaluation of the improved Rprop learning algorithms", Neurocomputing 50, 2003."#,
        example: "\
>>> import ferroprop as fp
>>> fp.Rprop(\"irprop-\", initial_step=(0.005, 0.02)).initial_step
(0.005, 0.02)",
        ..About::NOTHING
    };
    const ARRAYS: &'static [&'static str] = &["step_size", "previous_gradient", "change"];
    const MINI_BATCHES: bool = false;

    fields! {
        variant, step_sizes.increase, step_sizes.decrease, step_sizes.initial, step_sizes.min, step_sizes.max,
        step_sizes.seed,
    }

    fn arrays(&self) -> &'static [&'static str] {
        match self.variant {
            Variant::Plus | Variant::ImprovedPlus => Self::ARRAYS,
            Variant::Minus | Variant::ImprovedMinus => &Self::ARRAYS[..2],
        }
    }

    fn check_together(&self) -> Result<()> {
        self.step_sizes.check_together()
    }

    fn needs_loss(&self) -> bool {
        self.variant == Variant::ImprovedPlus
    }

    fn start<T: Scalar>(&self, array: usize, numbers: &mut [T]) {
        if array == 0 {
            self.step_sizes.start(numbers);
        } else {
            numbers.fill(T::ZERO);
        }
    }

    #[inline(always)]
    fn step<T: Scalar>(
        &self,
        step: &Step,
        parameters: &mut [T],
        gradient: &[T],
        arrays: [&mut [T]; MOST_ARRAYS],
    ) {
        match self.variant {
            Variant::Plus => self.taking_back(T::ONE, parameters, gradient, arrays),
            Variant::ImprovedPlus => {
                let back = if step.loss > step.previous_loss { T::ONE } else { T::ZERO };
                self.taking_back(back, parameters, gradient, arrays);
            }
            Variant::Minus => self.never_back::<T, true>(parameters, gradient, arrays),
            Variant::ImprovedMinus => self.never_back::<T, false>(parameters, gradient, arrays),
        }
    }
}

impl Rprop {
    /// The step of RPROP+ and iRPROP+. Where a sign changed, `back` = 1 undoes the last change, 0 leaves the
    /// parameter unchanged.
    #[inline(always)]
    fn taking_back<T: Scalar>(
        &self,
        back: T,
        parameters: &mut [T],
        gradient: &[T],
        arrays: [&mut [T]; MOST_ARRAYS],
    ) {
        let adaptation = self.step_sizes.typed::<T>();
        for_each(parameters, gradient, arrays, |w, g, [step_size, previous, change]| {
            let agreement = agreement(*previous, g);
            let d = adaptation.adapted(*step_size, agreement);
            let reversed = agreement < T::ZERO;
            let forward = -sign(g) * d;
            // A selection: the compiler would make two branches of an `if`, whose masked loads wait for each
            // other's masked stores.
            let dw = select_unpredictable(reversed, -(back * *change), forward);
            *step_size = d;
            *change = select_unpredictable(reversed, T::ZERO, dw);
            *previous = select_unpredictable(reversed, T::ZERO, g);
            w + dw
        });
    }

    /// The step of RPROP- (`ON`: a step in the new direction) and iRPROP-.
    #[inline(always)]
    fn never_back<T: Scalar, const ON: bool>(
        &self,
        parameters: &mut [T],
        gradient: &[T],
        arrays: [&mut [T]; MOST_ARRAYS],
    ) {
        let adaptation = self.step_sizes.typed::<T>();
        for_each(parameters, gradient, arrays, |w, g, [step_size, previous]| {
            let agreement = agreement(*previous, g);
            let d = adaptation.adapted(*step_size, agreement);
            let stays = !ON && agreement < T::ZERO;
            let g = if stays { T::ZERO } else { g };
            *step_size = d;
            *previous = g;
            w - sign(g) * d
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::optimizer::Optimizer;

    const STEPS: [u64; 9] = [1, 2, 3, 4, 5, 6, 7, 8, 12];

    /// f(x, y) = (x^2 + 2 x y + 10 y^2) / 2 from (1, -0.3): the trajectories worked out from the
    /// papers' rules.
    #[test]
    #[rustfmt::skip]
    fn golden_traces() {
        let start = [[0.9, -0.2], [0.78, -0.08], [0.636, 0.064]];
        let traces: [(Variant, [[f64; 2]; 6]); 4] = [
            (Variant::Minus, [
                [0.4632, -0.008], [0.25584, -0.0944], [0.007008, -0.0512], [0.131424, 0.00064],
                [0.069216, -0.02528], [-0.009_166_08, -0.000_656],
            ]),
            (Variant::Plus, [
                [0.4632, -0.08], [0.25584, -0.008], [0.007008, -0.08], [0.25584, -0.044],
                [0.131424, -0.0008], [-0.032_805_12, -0.0224],
            ]),
            (Variant::ImprovedMinus, [
                [0.4632, 0.064], [0.25584, -0.008], [0.007008, -0.0944], [0.007008, -0.0944],
                [0.131424, -0.0512], [-0.005_433_6, -0.02528],
            ]),
            (Variant::ImprovedPlus, [
                [0.4632, 0.064], [0.25584, -0.008], [0.007008, -0.0944], [0.25584, -0.008],
                [0.131424, -0.0512], [0.056_774_4, -0.00368],
            ]),
        ];
        for (variant, rest) in traces {
            let expected: Vec<_> = STEPS.into_iter().zip(start.into_iter().chain(rest)).collect();
            check_trace(variant, &expected);
        }
    }

    fn check_trace(variant: Variant, expected: &[(u64, [f64; 2])]) {
        let optimizer = Optimizer::Rprop(Rprop { variant, ..Rprop::default() });
        let mut w = [1.0, -0.3];
        let mut arrays = [[0.1; 2], [0.0; 2], [0.0; 2]];
        let mut previous_loss = f64::INFINITY;
        for number in 1..=12 {
            let [x, y] = w;
            let loss = 0.5 * (x * x + 2.0 * x * y + 10.0 * y * y);
            let gradient = [x + y, x + 10.0 * y];
            let step = Step { number, learning_rate: 0.0, weight_decay: 0.0, loss, previous_loss };
            let [a, b, c] = &mut arrays;
            optimizer.step(&step, &mut w, &gradient, [a, b, c]);
            previous_loss = loss;
            if let Some((_, expected)) = expected.iter().find(|(t, _)| *t == number) {
                for (got, expected) in w.iter().zip(expected) {
                    assert!((got - expected).abs() < 1e-15, "{variant:?}, step {number}: {w:?}");
                }
            }
        }
    }

    #[test]
    fn a_nan_gradient_moves_nothing() {
        for variant in Variant::ALL {
            let optimizer = Optimizer::Rprop(Rprop { variant, ..Rprop::default() });
            let mut w = [1.0f32, 2.0];
            let mut arrays = [[0.1; 2], [1.0; 2], [0.5; 2]];
            let step =
                Step { number: 2, learning_rate: 0.0, weight_decay: 0.0, loss: 1.0, previous_loss: 2.0 };
            let [a, b, c] = &mut arrays;
            optimizer.step(&step, &mut w, &[f32::NAN; 2], [a, b, c]);
            assert_eq!(w, [1.0, 2.0]);
            assert_eq!(arrays[0], [0.1; 2]);
        }
    }
}
