//! Activation functions: one file each, listed once here.

mod arctan;
mod bipolar;
mod elu;
mod exponential;
mod function;
mod gelu;
mod hard_sigmoid;
mod identity;
mod leaky_relu;
mod logistic;
mod mish;
mod relu;
mod selu;
mod silu;
pub(crate) mod softmax;
mod softplus;
mod softsign;
mod tanh;

use crate::check::check_number;
use crate::error::{Error, Result};
use crate::kernel::{Derivative, Scalar, Simd, Task, dispatch};
use function::{FromNet, FromOutput, Function};

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
    /// ln(1 + e^z), above 0.
    Softplus,
    /// z / (1 + |z|), between -1 and 1.
    Softsign,
    /// Inverse tangent, between -pi/2 and pi/2.
    Arctan,
    /// 2 / (1 + e^-z) - 1, between -1 and 1.
    Bipolar,
    /// z for z > 0, else slope z; the derivative at 0 is the slope.
    LeakyRelu {
        /// 0 or positive; 0.01 is usual.
        slope: f64,
    },
    /// z for z > 0, else alpha (e^z - 1); the derivative at 0 is alpha.
    Elu {
        /// Positive; 1 is usual.
        alpha: f64,
    },
    /// 1.0507 times z for z > 0, else 1.0507 times 1.6733 (e^z - 1).
    Selu,
    /// z times the cumulative normal distribution at z (exact, with erf).
    Gelu,
    /// z / (1 + e^-z).
    Silu,
    /// z tanh(ln(1 + e^z)).
    Mish,
    /// min(max(z + 3, 0), 6) / 6, from 0 to 1.
    HardSigmoid,
    /// e^z, above 0.
    Exponential,
}

/// Calls a body with the implementation bound to `$f`: the first if the output tells the
/// derivative, else the second. A softmax, which is no function of one number, is left alone.
macro_rules! with_function {
    ($activation:expr, $t:ty, $f:ident => $from_output:expr, $from_net:expr) => {
        with_function!(@ $activation, $f, $from_output, $from_net,
            [Activation::Identity | Activation::Softmax => identity::Identity]
            [Activation::Logistic { slope } => logistic::Logistic::<$t>::new(slope)]
            [Activation::Tanh => tanh::Tanh]
            [Activation::Relu => relu::Relu]
            [Activation::Softplus => softplus::Softplus]
            [Activation::Softsign => softsign::Softsign]
            [Activation::Bipolar => bipolar::Bipolar]
            [Activation::LeakyRelu { slope } => leaky_relu::LeakyRelu::<$t>::new(slope)]
            [Activation::Elu { alpha } => elu::Elu::<$t>::new(alpha)]
            [Activation::Selu => selu::Selu]
            [Activation::HardSigmoid => hard_sigmoid::HardSigmoid]
            [Activation::Exponential => exponential::Exponential];
            [Activation::Arctan => arctan::Arctan]
            [Activation::Gelu => gelu::Gelu]
            [Activation::Silu => silu::Silu]
            [Activation::Mish => mish::Mish])
    };
    (@ $activation:expr, $f:ident, $from_output:expr, $from_net:expr,
        $([$output:pat => $output_function:expr])*; $([$net:pat => $net_function:expr])*) => {
        match $activation {
            $($output => { let $f = $output_function; $from_output })*
            $($net => { let $f = $net_function; $from_net })*
        }
    };
}

impl Activation {
    /// The standard logistic function.
    pub const LOGISTIC: Self = Self::Logistic { slope: 1.0 };
    /// Every activation with its usual parameters.
    pub const ALL: [Self; 17] = [
        Self::Identity,
        Self::LOGISTIC,
        Self::Tanh,
        Self::Relu,
        Self::Softmax,
        Self::Softplus,
        Self::Softsign,
        Self::Arctan,
        Self::Bipolar,
        Self::LeakyRelu { slope: 0.01 },
        Self::Elu { alpha: 1.0 },
        Self::Selu,
        Self::Gelu,
        Self::Silu,
        Self::Mish,
        Self::HardSigmoid,
        Self::Exponential,
    ];

    /// The name it goes by in Python and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Logistic { .. } => "logistic",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::Softmax => "softmax",
            Self::Softplus => "softplus",
            Self::Softsign => "softsign",
            Self::Arctan => "arctan",
            Self::Bipolar => "bipolar",
            Self::LeakyRelu { .. } => "leaky_relu",
            Self::Elu { .. } => "elu",
            Self::Selu => "selu",
            Self::Gelu => "gelu",
            Self::Silu => "silu",
            Self::Mish => "mish",
            Self::HardSigmoid => "hard_sigmoid",
            Self::Exponential => "exp",
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

    /// Its constant and the name of that, where it has one.
    pub(crate) fn constant(mut self) -> Option<(&'static str, f64)> {
        self.constant_mut().map(|(name, constant)| (name, *constant))
    }

    /// [`Activation::constant`], to change it.
    pub(crate) fn constant_mut(&mut self) -> Option<(&'static str, &mut f64)> {
        match self {
            Self::Logistic { slope } | Self::LeakyRelu { slope } => Some(("slope", slope)),
            Self::Elu { alpha } => Some(("alpha", alpha)),
            _ => None,
        }
    }

    /// # Errors
    /// [`Error::Argument`] when a parameter is outside its domain.
    pub(crate) fn check(self) -> Result<()> {
        match (self, self.constant()) {
            (Self::LeakyRelu { .. }, Some((name, c))) => {
                check_number(name, c, "0 or a positive number", |c| c >= 0.0)
            }
            (_, Some((name, c))) => check_number(name, c, "a positive number", |c| c > 0.0),
            (_, None) => Ok(()),
        }
    }

    /// Whether the output tells the derivative; if not, [`Activation::apply_with_slopes`] has to keep
    /// it.
    pub(crate) fn output_tells_derivative(self) -> bool {
        with_function!(self, f32, _f => true, false)
    }

    /// The derivative, for those that a product of deltas can be scaled by on its way to memory.
    pub(crate) fn derivative_in_product<T: Scalar>(self) -> Option<Derivative<T>> {
        match self {
            Self::Relu => Some(Derivative::Relu),
            Self::Logistic { slope } => Some(Derivative::Logistic { slope: T::from_f64(slope) }),
            Self::Tanh => Some(Derivative::Tanh),
            _ => None,
        }
    }

    /// Whether outputs are net inputs, or are for others to compute.
    fn is_nothing(self) -> bool {
        matches!(self, Self::Identity | Self::Softmax)
    }

    /// Turns net inputs into outputs: `rows` vectors of each panel, panels `stride` apart.
    pub(crate) fn apply<T: Scalar>(self, numbers: &mut [T], stride: usize, rows: usize) {
        if self.is_nothing() {
            return;
        }
        with_function!(self, T, function =>
            dispatch(Apply { function, numbers, stride, rows }),
            dispatch(Apply { function, numbers, stride, rows }));
    }

    /// Turns net inputs into outputs, and keeps the derivatives.
    pub(crate) fn apply_with_slopes<T: Scalar>(
        self,
        numbers: &mut [T],
        slopes: &mut [T],
        stride: usize,
        rows: usize,
    ) {
        with_function!(self, T, function => {
                dispatch(Apply { function, numbers: &mut *numbers, stride, rows });
                dispatch(KeepSlopes { function, numbers, slopes, stride, rows });
            },
            dispatch(ApplyWithSlopes { function, numbers, slopes, stride, rows }));
    }

    /// Multiplies deltas by the derivative at the outputs, panels as in [`Activation::apply`]. For
    /// activations whose output tells it.
    pub(crate) fn scale_deltas<T: Scalar>(self, deltas: &mut [T], outputs: &[T], stride: usize, rows: usize) {
        if self.is_nothing() {
            return;
        }
        with_function!(self, T, function =>
            dispatch(ScaleDeltas { function, deltas, outputs, stride, rows }),
            { let _ = function; });
    }
}

/// Multiplies deltas by slopes that were kept.
pub(crate) fn scale_by_slopes<T: Scalar>(deltas: &mut [T], slopes: &[T], stride: usize, rows: usize) {
    dispatch(ScaleBySlopes { deltas, slopes, stride, rows });
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

impl<T: Scalar, F: FromOutput<T>> Task<T> for ScaleDeltas<'_, T, F> {
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

struct KeepSlopes<'a, T, F> {
    function: F,
    numbers: &'a [T],
    slopes: &'a mut [T],
    stride: usize,
    rows: usize,
}

impl<T: Scalar, F: FromOutput<T>> Task<T> for KeepSlopes<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let panels = self.slopes.chunks_exact_mut(self.stride);
        for (slopes, numbers) in panels.zip(self.numbers.chunks_exact(self.stride)) {
            let count = self.rows * T::LANES;
            for (slope, &a) in slopes[..count].iter_mut().zip(&numbers[..count]) {
                *slope = self.function.derivative(a);
            }
        }
    }
}

struct ApplyWithSlopes<'a, T, F> {
    function: F,
    numbers: &'a mut [T],
    slopes: &'a mut [T],
    stride: usize,
    rows: usize,
}

impl<T: Scalar, F: FromNet<T>> Task<T> for ApplyWithSlopes<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let panels = self.slopes.chunks_exact_mut(self.stride);
        for (slopes, numbers) in panels.zip(self.numbers.chunks_exact_mut(self.stride)) {
            let count = self.rows * T::LANES;
            for (slope, x) in slopes[..count].iter_mut().zip(&mut numbers[..count]) {
                (*x, *slope) = self.function.value_and_derivative(*x);
            }
        }
    }
}

struct ScaleBySlopes<'a, T> {
    deltas: &'a mut [T],
    slopes: &'a [T],
    stride: usize,
    rows: usize,
}

impl<T: Scalar> Task<T> for ScaleBySlopes<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        let panels = self.deltas.chunks_exact_mut(self.stride);
        for (deltas, slopes) in panels.zip(self.slopes.chunks_exact(self.stride)) {
            let count = self.rows * T::LANES;
            for (delta, &slope) in deltas[..count].iter_mut().zip(&slopes[..count]) {
                *delta *= slope;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{InstructionSet, Product, Start, Terms, Then, dispatch_on, panel_vectors};

    /// Net inputs or outputs: signs, zeros, saturation, denormals, NaN.
    const NUMBERS: [f64; 14] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -0.25,
        0.999_999,
        1e-40,
        -1e-40,
        1e-310,
        3.0,
        -7.5,
        f64::INFINITY,
        f64::NAN,
    ];

    /// A product with the identity, and what becomes of its sums; the columns fill one panel and half of
    /// another. With `deep`, so many terms come before that the sums go to memory and back in between,
    /// at -2.
    fn in_product<T: Scalar>(
        set: InstructionSet,
        numbers: &[T],
        rows: usize,
        deep: bool,
        then: Then<'_, T>,
    ) -> Vec<T> {
        let (lanes, stride) = (T::LANES, panel_vectors(rows) * T::LANES);
        let columns = lanes + lanes / 2;
        let before = if deep { 1024 } else { 0 };
        let depth = before + columns;
        let mut input = vec![T::ZERO; before / lanes * stride];
        let mut right = vec![T::ZERO; 2 * depth * lanes];
        for column in 0..columns {
            let panel = &mut right[column / lanes * depth * lanes..][..depth * lanes];
            if deep {
                panel[column % lanes] = T::from_f64(-2.0);
            }
            panel[(before + column) * lanes + column % lanes] = T::ONE;
        }
        if deep {
            input[..rows * lanes].iter_mut().step_by(lanes).for_each(|first| *first = T::ONE);
        }
        input.extend_from_slice(numbers);
        let mut output = vec![T::ZERO; 2 * stride];
        dispatch_on(
            set,
            Product {
                rows,
                depth,
                input: Terms::in_panels(&input, stride),
                right: &right,
                right_stride: depth * lanes,
                start: Start::Zero,
                output: &mut output,
                output_stride: stride,
                then,
                columns,
            },
        );
        output
    }

    fn agree<T: Scalar>() {
        let rows = 23;
        let (lanes, stride) = (T::LANES, panel_vectors(rows) * T::LANES);
        let finite = NUMBERS.iter().filter(|x| x.is_finite()).map(|&x| T::from_f64(x));
        let mut numbers = vec![T::ZERO; 2 * stride];
        for (index, (x, number)) in finite.cycle().zip(&mut numbers).enumerate() {
            let used = index < stride || index % lanes < lanes / 2;
            *number = if used { x } else { T::ZERO };
        }
        let outputs: Vec<T> = NUMBERS.iter().cycle().map(|&a| T::from_f64(a)).take(2 * stride).collect();
        let same = |set: InstructionSet, got: &[T], expected: &[T]| {
            for row in 0..rows {
                for column in 0..lanes + lanes / 2 {
                    let at = column / lanes * stride + row * lanes + column % lanes;
                    let (got, expected) = (got[at].to_f64(), expected[at].to_f64());
                    let equal = got.to_bits() == expected.to_bits() || got.is_nan() && expected.is_nan();
                    assert!(equal, "{}: {got:e}, expected {expected:e}", set.name());
                }
            }
        };
        let sets = InstructionSet::ALL.into_iter().filter(|set| set.available());
        for (set, deep) in sets.flat_map(|set| [(set, false), (set, true)]) {
            let in_product = |then| in_product(set, &numbers, rows, deep, then);
            let sums = in_product(Then::Stay);
            let mut expected = sums.clone();
            Activation::Relu.apply(&mut expected, stride, rows);
            same(set, &in_product(Then::Rectify), &expected);
            for activation in [Activation::Relu, Activation::Tanh, Activation::Logistic { slope: 1.7 }] {
                let mut expected = sums.clone();
                activation.scale_deltas(&mut expected, &outputs, stride, rows);
                let Some(derivative) = activation.derivative_in_product() else { panic!("none") };
                same(set, &in_product(Then::Scale(derivative, &outputs)), &expected);
            }
        }
    }

    /// What a product does on the way to memory is to the bit what the functions do.
    #[test]
    fn the_same_in_a_product() {
        agree::<f32>();
        agree::<f64>();
    }
}
