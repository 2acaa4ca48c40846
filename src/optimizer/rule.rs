//! The trait of an optimizer's rule.

use crate::catalogue::{About, Domain, Hyperparameter, Value};
use crate::error::Result;
use crate::kernel::Scalar;
use crate::schedule::Schedule;

/// The input of a step, apart from the gradient.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// The number of the step; 1 for the first.
    pub number: u64,
    /// The learning rate, for rules that have one.
    pub learning_rate: f64,
    /// The weight decay, for rules that have one beside the gradient.
    pub weight_decay: f64,
    /// The loss, penalty included, at the parameters of the gradient.
    pub loss: f64,
    /// The loss of the previous step; infinite at first.
    pub previous_loss: f64,
}

/// The most arrays that a rule keeps.
pub(crate) const MOST_ARRAYS: usize = 3;

/// The description of a learning rate.
pub(super) const LEARNING_RATE: Hyperparameter = Hyperparameter::number(
    "learning_rate",
    1e-3,
    Domain::Rate,
    "The learning rate; positive. It may be a `Schedule`, or a function that gets the step (1 for the first) and \
     returns the rate.",
);

/// An optimizer's rule: its description and its arithmetic.
pub(crate) trait Rule: Sized {
    /// The description for the catalogue.
    const ABOUT: About;

    /// The names of all arrays that it can keep.
    const ARRAYS: &'static [&'static str];

    /// Whether a step is element-wise. If not, it needs all parameters at once, in the network's
    /// order, because it sums over them or depends on a parameter's place. One thread makes such a step.
    const ELEMENTWISE: bool = true;

    /// Whether successive gradients may come from different rows; if not, the rule needs full batches.
    const MINI_BATCHES: bool = true;

    /// The values of the hyperparameters, in their order.
    fn values(&self) -> Vec<Value>;

    /// The rule with these values, which lie in their domains.
    fn with_values(values: &[Value]) -> Self;

    /// The names of the arrays that it keeps with these hyperparameters.
    fn arrays(&self) -> &'static [&'static str] {
        Self::ARRAYS
    }

    /// Checks that hyperparameters, each of which lies in its domain, are consistent.
    fn check_together(&self) -> Result<()> {
        Ok(())
    }

    /// The learning rate, for rules that have one.
    fn learning_rate(&self) -> Option<&Schedule> {
        None
    }

    /// The weight decay, for rules that apply one apart from the gradient. Biases have none.
    fn weight_decay(&self) -> Option<&Schedule> {
        None
    }

    /// Whether a step uses the loss.
    fn needs_loss(&self) -> bool {
        false
    }

    /// Fills an array with its initial values, in the order of the parameters.
    fn start<T: Scalar>(&self, _array: usize, numbers: &mut [T]) {
        numbers.fill(T::ZERO);
    }

    /// Makes a step; implementations are `#[inline(always)]`.
    fn step<T: Scalar>(
        &self,
        step: &Step,
        parameters: &mut [T],
        gradient: &[T],
        arrays: [&mut [T]; MOST_ARRAYS],
    );
}

/// The loop of an element-wise rule: `one` gets a parameter, its derivative and its elements of
/// each of the rule's first `N` arrays, and returns the parameter.
#[inline(always)]
pub(super) fn for_each<T: Scalar, const N: usize>(
    parameters: &mut [T],
    gradient: &[T],
    arrays: [&mut [T]; MOST_ARRAYS],
    mut one: impl FnMut(T, T, &mut [T; N]) -> T,
) {
    let n = parameters.len();
    let gradient = &gradient[..n];
    // One by one, so that the compiler knows the length of each: if it has to check one in the loop, it computes the
    // last vector number by number, with branches that nothing predicts.
    let [first, second, third] = arrays;
    let first = if N > 0 { &mut first[..n] } else { first };
    let second = if N > 1 { &mut second[..n] } else { second };
    let third = if N > 2 { &mut third[..n] } else { third };
    for i in 0..n {
        let mut own = [T::ZERO; N];
        if N > 0 {
            own[0] = first[i];
        }
        if N > 1 {
            own[1] = second[i];
        }
        if N > 2 {
            own[2] = third[i];
        }
        parameters[i] = one(parameters[i], gradient[i], &mut own);
        if N > 0 {
            first[i] = own[0];
        }
        if N > 1 {
            second[i] = own[1];
        }
        if N > 2 {
            third[i] = own[2];
        }
    }
}

/// Says how the fields of a rule and the values of its hyperparameters correspond: the fields, in the order of
/// the hyperparameters.
macro_rules! fields {
    ($($field:ident $(. $inner:ident)*),+ $(,)?) => {
        fn values(&self) -> Vec<crate::catalogue::Value> {
            vec![$(self.$field$(.$inner)*.clone().into()),+]
        }

        fn with_values(values: &[crate::catalogue::Value]) -> Self {
            let mut made = Self::default();
            let mut values = values.iter();
            $(
                if let Some(value) = values.next() {
                    crate::catalogue::Setting::set(&mut made.$field$(.$inner)*, value);
                }
            )+
            made
        }
    };
}
pub(super) use fields;
