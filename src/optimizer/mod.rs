//! Optimizers: one file per rule, and the list of all.
//!
//! A rule gets a flat vector of parameters, their gradient, and its own arrays of the same
//! length. Most rules work element by element, so that threads may share a step in any way; the
//! others say so (`Rule::ELEMENTWISE`).

mod adam;
mod adamw;
mod grprop;
mod nadam;
mod rmsprop;
mod rprop;
mod rule;
mod sarprop;
mod sgd;
mod step_sizes;

pub use grprop::Choice;
pub use rprop::Variant;
pub(crate) use rule::{MOST_ARRAYS, Step};
pub use step_sizes::{InitialStep, StepSizes};

use crate::catalogue::{About, Value, find};
use crate::error::Result;
use crate::kernel::{Scalar, Simd, Task, dispatch};
use crate::schedule::Schedule;
use rule::Rule;

/// Passes its input and the list of all optimizers to a macro.
macro_rules! optimizers {
    ($reader:ident $($given:tt)*) => {
        $reader! {
            $($given)*;
            /// Resilient propagation.
            Rprop => rprop;
            /// Globally convergent resilient propagation.
            GRprop => grprop;
            /// Resilient propagation with simulated annealing.
            Sarprop => sarprop;
            /// Gradient descent, with momentum if wanted.
            Sgd => sgd;
            /// Adaptive moment estimation.
            Adam => adam;
            /// Adaptive moment estimation with decoupled weight decay.
            AdamW => adamw;
            /// Adam with Nesterov's momentum.
            NAdam => nadam;
            /// Steps divided by the root of the mean squared gradient.
            RMSprop => rmsprop;
        }
    };
}

/// Generates the enum from the list.
macro_rules! catalogue_of_rules {
    ($(#[$doc:meta])* $kind:ident; $($(#[$line:meta])* $rule:ident => $file:ident;)*) => {
        $(pub use $file::$rule;)*

        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        #[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
        #[non_exhaustive]
        pub enum $kind {
            $($(#[$line])* $rule($rule),)*
        }

        impl $kind {
            /// All optimizers, with their usual hyperparameters.
            #[must_use]
            pub fn all() -> [Self; Self::LIST.len()] {
                [$(Self::$rule($rule::default())),*]
            }

            /// The description of each, in the order of `all`.
            pub(crate) const LIST: [&'static About; [$(stringify!($rule)),*].len()] = [$(&$rule::ABOUT),*];

            /// An entry of the list with values that lie in their domains.
            pub(crate) fn with_values(index: usize, values: &[Value]) -> Self {
                let makers: [fn(&[Value]) -> Self; Self::LIST.len()] =
                    [$(|values| Self::$rule($rule::with_values(values))),*];
                makers[index](values)
            }
        }

        $(
            impl From<$rule> for $kind {
                fn from(rule: $rule) -> Self {
                    Self::$rule(rule)
                }
            }
        )*
    };
}

optimizers! { catalogue_of_rules
    /// An optimizer and its hyperparameters.
    Optimizer
}

/// Calls a body with the rule of an optimizer bound to `$own`.
macro_rules! with_rule {
    ($optimizer:expr, $own:ident, $body:expr; $($(#[$line:meta])* $rule:ident => $file:ident;)*) => {
        match $optimizer {
            $(Optimizer::$rule($own) => $body,)*
        }
    };
}

fn about<R: Rule>(_: &R) -> &'static About {
    &R::ABOUT
}

fn is_elementwise<R: Rule>(_: &R) -> bool {
    R::ELEMENTWISE
}

fn takes_mini_batches<R: Rule>(_: &R) -> bool {
    R::MINI_BATCHES
}

impl Default for Optimizer {
    /// iRPROP+, which has no learning rate.
    fn default() -> Self {
        Rprop::default().into()
    }
}

impl Optimizer {
    /// An optimizer with its usual hyperparameters. "rprop" is the default variant, iRPROP+.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] with the list of names.
    ///
    /// ```
    /// use ferroprop::Optimizer;
    /// assert_eq!(Optimizer::from_name("rprop")?, Optimizer::from_name("irprop+")?);
    /// # Ok::<(), ferroprop::Error>(())
    /// ```
    pub fn from_name(name: &str) -> Result<Self> {
        find(&Self::LIST, "optimizer", name).map(|(index, values)| Self::with_values(index, &values))
    }

    pub(crate) fn about(&self) -> &'static About {
        optimizers!(with_rule self, rule, about(rule))
    }

    /// The values of the hyperparameters, in their order.
    pub(crate) fn values(&self) -> Vec<Value> {
        optimizers!(with_rule self, rule, rule.values())
    }

    /// The names of the arrays that it keeps, each as long as the parameter vector.
    #[must_use]
    pub fn arrays(&self) -> &'static [&'static str] {
        optimizers!(with_rule self, rule, rule.arrays())
    }

    pub(crate) fn check(&self) -> Result<()> {
        self.about().check(&self.values())?;
        optimizers!(with_rule self, rule, rule.check_together())
    }

    /// The hyperparameters that a step uses in the parameters' type, by name.
    pub(crate) fn typed(&self) -> Vec<(&'static str, f64)> {
        self.about().typed(&self.values())
    }

    pub(crate) fn elementwise(&self) -> bool {
        optimizers!(with_rule self, rule, is_elementwise(rule))
    }

    /// Whether it works on mini-batches; if not, it needs full batches.
    #[must_use]
    pub fn takes_mini_batches(&self) -> bool {
        optimizers!(with_rule self, rule, takes_mini_batches(rule))
    }

    pub(crate) fn needs_loss(&self) -> bool {
        optimizers!(with_rule self, rule, rule.needs_loss())
    }

    /// Fills an array with its initial values, in the order of the parameters.
    pub(crate) fn start<T: Scalar>(&self, array: usize, numbers: &mut [T]) {
        optimizers!(with_rule self, rule, rule.start(array, numbers));
    }

    /// The learning rate, for rules that have one.
    pub(crate) fn learning_rate(&self) -> Option<&Schedule> {
        optimizers!(with_rule self, rule, rule.learning_rate())
    }

    /// The weight decay, for rules that apply one apart from the gradient.
    pub(crate) fn weight_decay(&self) -> Option<&Schedule> {
        optimizers!(with_rule self, rule, rule.weight_decay())
    }

    /// Learning rate and weight decay of a step by hand; `None` if they do not change.
    pub(crate) fn by_hand(&self, step: u64) -> Result<[Option<f64>; 2]> {
        let schedules = [("learning_rate", self.learning_rate()), ("weight_decay", self.weight_decay())];
        let mut numbers = [None; 2];
        for (number, (name, schedule)) in numbers.iter_mut().zip(schedules) {
            if let Some(schedule) = schedule {
                *number = schedule.by_hand(name, step)?;
            }
        }
        Ok(numbers)
    }

    /// Makes a step on a flat slice and the same slice of each array; on all parameters, in the
    /// network's order, unless [`Optimizer::elementwise`].
    pub(crate) fn step<T: Scalar>(
        &self,
        step: &Step,
        parameters: &mut [T],
        gradient: &[T],
        arrays: [&mut [T]; MOST_ARRAYS],
    ) {
        optimizers!(with_rule self, rule, dispatch(MakeStep { rule, step, parameters, gradient, arrays }));
    }
}

struct MakeStep<'a, T, R> {
    rule: &'a R,
    step: &'a Step,
    parameters: &'a mut [T],
    gradient: &'a [T],
    arrays: [&'a mut [T]; MOST_ARRAYS],
}

impl<T: Scalar, R: Rule> Task<T> for MakeStep<'_, T, R> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        self.rule.step(self.step, self.parameters, self.gradient, self.arrays);
    }
}
