//! GRprop: Anastasiadis, Magoulas & Vrahatis, "New globally convergent training scheme based on the
//! resilient propagation algorithm", Neurocomputing 64, 2005.
//!
//! RPROP-, except that the step size of one parameter i follows from those of all others,
//! `D_i = clip(-(sum over j != i of D_j g_j + offset) / g_i, min, max)`: unless it is clipped, the sum
//! over all parameters is then -offset, so the step leads downhill in the paper's sense.
//! The paper does not say which parameter i is.
//!
//! The resulting step size is often as large as the limits allow, which is why their default is
//! lower than that of the rest of the family.

use super::rule::{MOST_ARRAYS, Rule, Step, fields, for_each};
use super::step_sizes::{DECREASE, INCREASE, INITIAL_STEP, MAX_STEP, MIN_STEP, StepSizes, agreement, sign};
use crate::catalogue::{About, Domain, Hyperparameter, Setting, Value};
use crate::error::{Error, Result};
use crate::kernel::Scalar;

/// The parameter whose step size follows from the others; the first of several equal ones.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Choice {
    /// The parameter with the smallest nonzero gradient by magnitude.
    #[default]
    SmallestGradient,
    /// The parameter with the smallest step size among those with a nonzero gradient.
    SmallestStep,
}

impl Choice {
    /// The name in Python.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SmallestGradient => "smallest_gradient",
            Self::SmallestStep => "smallest_step",
        }
    }

    /// The choice with this name.
    ///
    /// # Errors
    /// [`Error::Argument`] for any other name.
    pub fn from_name(name: &str) -> Result<Self> {
        [Self::SmallestGradient, Self::SmallestStep]
            .into_iter()
            .find(|choice| choice.name() == name)
            .ok_or_else(|| {
                let expected = "one of \"smallest_gradient\", \"smallest_step\"";
                Error::argument("choice", expected, format_args!("{name:?}"))
            })
    }
}

impl From<Choice> for Value {
    fn from(choice: Choice) -> Self {
        Self::Name(choice.name())
    }
}

impl Setting for Choice {
    fn set(&mut self, value: &Value) {
        let named = |choice: &Self| *value == Value::Name(choice.name());
        *self = [Self::SmallestGradient, Self::SmallestStep].into_iter().find(named).unwrap_or(*self);
    }
}

/// Globally convergent resilient propagation (GRprop). For full batches.
///
/// ```
/// use ferroprop::{GRprop, Optimizer};
/// let optimizer = Optimizer::GRprop(GRprop::default());
/// assert_eq!(optimizer.arrays(), ["step_size", "previous_gradient"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct GRprop {
    /// Initial value, growth and decline of step sizes.
    pub step_sizes: StepSizes,
    /// The parameter whose step size follows from the others.
    pub choice: Choice,
    /// How far below 0 the sum over all parameters is; positive.
    pub offset: f64,
}

impl Default for GRprop {
    fn default() -> Self {
        Self {
            step_sizes: StepSizes { max: 1.0, ..StepSizes::default() },
            choice: Choice::default(),
            offset: 1e-6,
        }
    }
}

impl Rule for GRprop {
    const ABOUT: About = About {
        name: "grprop",
        class: "GRprop",
        summary: "Globally convergent resilient propagation, for full batches.",
        details: "\
``Rprop(\"rprop-\")``, but the step size of one parameter i follows from those of all others: it is
``-(sum over j != i of D_j g_j + offset) / g_i``, within the limits, with step sizes D and gradient g. The paper
leaves i open.",
        source: r#"A. D. Anastasiadis, G. D. Magoulas and M. N. Vrahatis, "New globally convergent training scheme
            based on the resilient propagation algorithm", Neurocomputing 64, 2005."#,
        example: "\
>>> import ferroprop as fp
>>> fp.GRprop(choice=\"smallest_step\").choice
'smallest_step'",
        hyperparameters: &[
            INCREASE,
            DECREASE,
            INITIAL_STEP,
            MIN_STEP,
            Hyperparameter {
                about: "The largest step size. Lower than for `Rprop`, since the one that follows from the \
                        others is often as large as it may be.",
                ..MAX_STEP.usually(1.0)
            },
            Hyperparameter::number(
                "offset",
                1e-6,
                Domain::Positive,
                "How far the sum over all parameters is to fall short of 0; positive.",
            ),
            Hyperparameter::name(
                "choice",
                &["smallest_gradient", "smallest_step"],
                "i is the parameter with the smallest gradient by magnitude, or with the smallest step size, \
                 among those whose gradient is not 0.",
            ),
            Hyperparameter::seed("Seeds the random numbers of `initial_step`."),
        ],
        positional: 0,
        value: "the same as Rprop, but one step size follows from all others",
        ..About::NOTHING
    };
    const ARRAYS: &'static [&'static str] = &["step_size", "previous_gradient"];
    const ELEMENTWISE: bool = false;
    const MINI_BATCHES: bool = false;

    fields! {
        step_sizes.increase, step_sizes.decrease, step_sizes.initial, step_sizes.min, step_sizes.max, offset,
        choice, step_sizes.seed,
    }

    fn check_together(&self) -> Result<()> {
        self.step_sizes.check_together()
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
        _: &Step,
        parameters: &mut [T],
        gradient: &[T],
        [step_size, previous, _]: [&mut [T]; MOST_ARRAYS],
    ) {
        let adaptation = self.step_sizes.typed::<T>();
        let arrays = [&mut *step_size, previous, &mut []];
        for_each(parameters, gradient, arrays, |w, g, [step_size, previous]| {
            *step_size = adaptation.adapted(*step_size, agreement(*previous, g));
            *previous = g;
            w
        });
        if let Some(i) = self.chosen(gradient, step_size) {
            let others = sum_of_products(&step_size[..i], &gradient[..i])
                + sum_of_products(&step_size[i + 1..], &gradient[i + 1..]);
            let wanted = -(others + self.offset) / gradient[i].to_f64();
            step_size[i] = adaptation.clipped(T::from_f64(wanted));
        }
        let arrays = [step_size, &mut [], &mut []];
        for_each(parameters, gradient, arrays, |w, g, [step_size]| w - sign(g) * *step_size);
    }
}

impl GRprop {
    #[inline(always)]
    fn chosen<T: Scalar>(&self, gradient: &[T], step_size: &[T]) -> Option<usize> {
        let mut chosen = None;
        let mut smallest = T::ZERO;
        for (i, (&g, &d)) in gradient.iter().zip(step_size).enumerate() {
            let size = match self.choice {
                Choice::SmallestGradient => sign(g) * g,
                Choice::SmallestStep => d,
            };
            if sign(g) != T::ZERO && (chosen.is_none() || size < smallest) {
                chosen = Some(i);
                smallest = size;
            }
        }
        chosen
    }
}

/// The sum of products in double precision; product i is added to running sum i mod 8.
#[inline(always)]
fn sum_of_products<T: Scalar>(a: &[T], b: &[T]) -> f64 {
    let mut sums = [0.0; 8];
    for (a, b) in a.chunks(8).zip(b.chunks(8)) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a.to_f64() * b.to_f64();
        }
    }
    sums.iter().sum()
}
