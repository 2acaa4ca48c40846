//! Activation functions: one file each, listed once here.

pub(crate) mod identity;
pub(crate) mod logistic;
pub(crate) mod relu;
pub(crate) mod tanh;

use crate::error::{Error, Result, check_number};
use crate::kernel::{Scalar, Simd, Task, dispatch};

/// A function of one number, and its derivative as a function of its output.
pub(crate) trait Function<T>: Copy {
    /// f(z)
    fn value(self, z: T) -> T;
    /// f'(z), from a = f(z)
    fn derivative(self, a: T) -> T;
}

/// What a layer does with its net input z.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// z
    Identity,
    /// 1 / (1 + e^(-slope z)), between 0 and 1.
    Logistic {
        /// Steepness, positive; 1 is the standard logistic function.
        slope: f64,
    },
    /// Hyperbolic tangent, between -1 and 1.
    Tanh,
    /// max(0, z); the derivative at 0 is 0.
    Relu,
    /// e^z / sum of e^z over the outputs: probabilities. For the output layer only.
    Softmax,
}

/// Calls `$body` with `$function` bound to the implementation; a softmax, which is no function of
/// one number, is left alone.
macro_rules! with_function {
    ($activation:expr, $t:ty, $function:ident => $body:expr) => {
        match $activation {
            Activation::Identity | Activation::Softmax => {
                let $function = identity::Identity;
                $body
            }
            Activation::Logistic { slope } => {
                let $function = logistic::Logistic::<$t>::new(slope);
                $body
            }
            Activation::Tanh => {
                let $function = tanh::Tanh;
                $body
            }
            Activation::Relu => {
                let $function = relu::Relu;
                $body
            }
        }
    };
}
pub(crate) use with_function;

impl Activation {
    /// The standard logistic function.
    pub const LOGISTIC: Self = Self::Logistic { slope: 1.0 };
    /// Every activation with its usual parameters.
    pub const ALL: [Self; 5] = [Self::Identity, Self::LOGISTIC, Self::Tanh, Self::Relu, Self::Softmax];

    /// The name it goes by in Python and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Logistic { .. } => "logistic",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::Softmax => "softmax",
        }
    }

    /// The activation of that name, with its usual parameters. `argument` is for the message.
    ///
    /// # Errors
    /// [`Error::Argument`] with the list of names.
    ///
    /// ```
    /// use ferroprop::Activation;
    /// assert_eq!(Activation::from_name("activation", "tanh")?, Activation::Tanh);
    /// # Ok::<(), ferroprop::Error>(())
    /// ```
    pub fn from_name(argument: &'static str, name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|activation| activation.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(|activation| format!("{:?}", activation.name()));
            Error::argument(argument, format!("one of {}", names.join(", ")), format!("{name:?}"))
        })
    }

    /// # Errors
    /// [`Error::Argument`] when a parameter is outside its domain.
    pub(crate) fn check(self) -> Result<()> {
        match self {
            Self::Logistic { slope } => {
                check_number("slope", slope, "a positive number", |slope| slope > 0.0)
            }
            _ => Ok(()),
        }
    }

    /// Turns net inputs into outputs: `rows` lines of each panel, panels `stride` apart.
    pub(crate) fn apply<T: Scalar>(self, numbers: &mut [T], stride: usize, rows: usize) {
        if matches!(self, Self::Identity | Self::Softmax) {
            return;
        }
        with_function!(self, T, function => dispatch(Apply { function, numbers, stride, rows }));
    }

    /// Multiplies deltas by the derivative at the outputs, panels as in [`Activation::apply`].
    pub(crate) fn scale_deltas<T: Scalar>(self, deltas: &mut [T], outputs: &[T], stride: usize, rows: usize) {
        if matches!(self, Self::Identity | Self::Softmax) {
            return;
        }
        with_function!(self, T, function => dispatch(ScaleDeltas { function, deltas, outputs, stride, rows }));
    }
}

struct Apply<'a, T, F> {
    function: F,
    numbers: &'a mut [T],
    stride: usize,
    rows: usize,
}

impl<T: Scalar, F: Function<T>> Task<T> for Apply<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        for panel in self.numbers.chunks_exact_mut(self.stride) {
            for x in &mut panel[..self.rows * T::LANES] {
                *x = self.function.value(*x);
            }
        }
    }
}

struct ScaleDeltas<'a, T, F> {
    function: F,
    deltas: &'a mut [T],
    outputs: &'a [T],
    stride: usize,
    rows: usize,
}

impl<T: Scalar, F: Function<T>> Task<T> for ScaleDeltas<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let panels = self.deltas.chunks_exact_mut(self.stride);
        for (deltas, outputs) in panels.zip(self.outputs.chunks_exact(self.stride)) {
            let count = self.rows * T::LANES;
            for (delta, &a) in deltas[..count].iter_mut().zip(&outputs[..count]) {
                *delta *= self.function.derivative(a);
            }
        }
    }
}
