//! Activation functions: one file each, and the list of all.

mod abs;
mod arctan;
mod bernoulli;
mod bipolar;
mod cardioid;
mod categorical;
mod elu;
mod estimator;
mod exponential;
mod function;
mod gelu;
mod hard_sigmoid;
mod hard_tanh;
mod identity;
mod leaky_relu;
mod log_sigmoid;
mod logistic;
pub(crate) mod magnitude;
mod mish;
mod modrelu;
mod pair;
mod polar_tanh;
mod relu;
mod scaled_tanh;
mod selu;
mod siglog;
mod sigmoid;
mod silu;
mod slopes;
pub(crate) mod softmax;
mod softplus;
mod softsign;
mod stochastic;
mod tanh;
mod zrelu;

use crate::catalogue::{catalogue, find};
use crate::error::Result;
use crate::kernel::{Derivative, Scalar, Simd, Task, dispatch};
pub use estimator::Estimator;
use function::{FromNet, FromOutput, Function};
use slopes::ScaleBySlopes;
pub(crate) use stochastic::{Draw, Units};

/// Passes its input and the list of all activations to a macro.
///
/// A line has the variant with its hyperparameters, its file, and where the derivative comes from: the
/// `output`, the `net` input, or from `all` outputs of a row (softmax). A `pair` is a function of a complex number,
/// with four derivatives; units that are `drawn` are [`Units`], and `apart` is left to others to compute.
macro_rules! activations {
    ($reader:ident $($given:tt)*) => {
        $reader! {
            $($given)*;
            /// z
            Identity => identity: output;
            /// 1 / (1 + e^(-slope z)), between 0 and 1; 1 is the usual slope.
            Logistic { slope } => logistic: output;
            /// Hyperbolic tangent, between -1 and 1.
            Tanh => tanh: output;
            /// max(0, z); the derivative at 0 is 0.
            Relu => relu: output;
            /// e^z / sum of e^z over the outputs: probabilities. For the output layer only.
            Softmax => softmax: all;
            /// ln(1 + e^z), above 0.
            Softplus => softplus: output;
            /// z / (1 + |z|), between -1 and 1.
            Softsign => softsign: output;
            /// Inverse tangent, between -pi/2 and pi/2.
            Arctan => arctan: net;
            /// 2 / (1 + e^-z) - 1, between -1 and 1.
            Bipolar => bipolar: output;
            /// z for z > 0, else slope z, also in the derivative at 0; 0.01 is the usual slope.
            LeakyRelu { slope } => leaky_relu: output;
            /// z for z > 0, else alpha (e^z - 1); the derivative at 0 is alpha, usually 1.
            Elu { alpha } => elu: net;
            /// 1.0507 times z for z > 0, else 1.0507 times 1.6733 (e^z - 1).
            Selu => selu: net;
            /// z times the cumulative normal distribution at z (exact, with erf).
            Gelu => gelu: net;
            /// z / (1 + e^-z).
            Silu => silu: net;
            /// z tanh(ln(1 + e^z)).
            Mish => mish: net;
            /// min(max(z + 3, 0), 6) / 6, from 0 to 1.
            HardSigmoid => hard_sigmoid: output;
            /// -ln(1 + e^-z), below 0.
            LogSigmoid => log_sigmoid: output;
            /// min(max(z, -1), 1); the derivative at -1 and 1 is 0.
            HardTanh => hard_tanh: output;
            /// amplitude tanh(slope z); 1.7159 and 2/3 are the usual numbers.
            ScaledTanh { amplitude, slope } => scaled_tanh: output;
            /// c1 / (1 + e^(-c2 z)) - c3, between -c3 and c1 - c3; 1, 1 and 0 are the usual numbers.
            Sigmoid { c1, c2, c3 } => sigmoid: net;
            /// e^z, above 0.
            Exponential => exponential: output;
            /// (1 + threshold / |z|) z where |z| + threshold > 0, else 0; complex, the usual threshold is -0.5.
            ModRelu { threshold } => modrelu: pair;
            /// z where both parts are above 0, else 0; complex.
            ZRelu => zrelu: pair;
            /// (1 + cos(phase)) / 2 z; complex.
            Cardioid => cardioid: pair;
            /// z / (1 + |z|); complex.
            SigLog => siglog: pair;
            /// tanh(|z|) z / |z|; complex.
            PolarTanh => polar_tanh: pair;
            /// |z|, a real number from a complex one. For the output layer only.
            Abs => abs: apart;
            /// 1 with probability 1 / (1 + e^-z), else 0. For hidden layers only.
            Bernoulli { estimator: Estimator, temperature, samples: u32, frozen: bool } => bernoulli: drawn;
            /// One of each k units is 1, with the probabilities of a softmax, the others are 0. For hidden layers only.
            Categorical { k: u32, estimator: Estimator, temperature, samples: u32, frozen: bool } => categorical: drawn;
        }
    };
}

activations! { catalogue
    /// The function from a unit's net input z to its output.
    Activation
}

/// Calls a body with the implementation bound to `$f`: the first if the output determines the
/// derivative, the third for functions of a complex number, else the second. Does nothing for a softmax, which is not a
/// function of one number, and for stochastic units.
macro_rules! with_function {
    ($activation:expr, $t:ty, $f:ident, $from_output:expr, $from_net:expr, $of_pair:expr;
     $($(#[$line:meta])* $variant:ident $({ $($hyperparameter:ident $(: $type:ident)?),+ })? => $file:ident: $way:ident;)*) => {
        match $activation {
            $(Activation::$variant $({ $($hyperparameter),+ })? => with_function!(
                @$way $t, $f, $from_output, $from_net, $of_pair, $file::$variant $(, $($hyperparameter),+)?
            ),)*
        }
    };
    (@output $t:ty, $f:ident, $from_output:expr, $from_net:expr, $of_pair:expr, $($made:tt)+) => {{
        #[allow(unused_variables)] // some bodies ask for the kind of function alone
        let $f = with_function!(@made $t, $($made)+);
        $from_output
    }};
    (@net $t:ty, $f:ident, $from_output:expr, $from_net:expr, $of_pair:expr, $($made:tt)+) => {{
        #[allow(unused_variables)]
        let $f = with_function!(@made $t, $($made)+);
        $from_net
    }};
    (@pair $t:ty, $f:ident, $from_output:expr, $from_net:expr, $of_pair:expr, $($made:tt)+) => {{
        #[allow(unused_variables)]
        let $f = with_function!(@made $t, $($made)+);
        $of_pair
    }};
    (@apart $($all:tt)+) => { with_function!(@all $($all)+) };
    (@drawn $t:ty, $f:ident, $from_output:expr, $from_net:expr, $of_pair:expr, $file:ident::$function:ident,
     $($hyperparameter:ident),+) => {{
        let _ = ($($hyperparameter),+);
        with_function!(@all $t, $f, $from_output, $from_net, $of_pair, $file)
    }};
    (@all $t:ty, $f:ident, $from_output:expr, $from_net:expr, $of_pair:expr, $($made:tt)+) => {{
        #[allow(unused_variables)]
        let $f = identity::Identity;
        $from_output
    }};
    (@made $t:ty, $file:ident::$function:ident) => { $file::$function };
    (@made $t:ty, $file:ident::$function:ident, $($hyperparameter:ident),+) => {
        $file::$function::<$t>::new($($hyperparameter),+)
    };
}

impl Activation {
    /// The standard logistic function.
    pub const LOGISTIC: Self = Self::Logistic { slope: 1.0 };

    /// The activation with this name, with its usual hyperparameters. `argument` is for the message.
    ///
    /// # Errors
    /// [`crate::Error::Argument`] with the list of names.
    ///
    /// ```
    /// use ferroprop::Activation;
    /// assert_eq!(Activation::from_name("activation", "tanh")?, Activation::Tanh);
    /// # Ok::<(), ferroprop::Error>(())
    /// ```
    pub fn from_name(argument: &'static str, name: &str) -> Result<Self> {
        find(&Self::LIST, argument, name).map(|(index, _)| Self::ALL[index])
    }

    /// Whether complex layers compute it from absolute values, so that it is a real number there.
    pub(crate) fn is_of_magnitudes(self) -> bool {
        matches!(self, Self::Softmax | Self::Abs)
    }

    /// How many slopes are kept for each output.
    pub(crate) fn slopes_of_output(self) -> usize {
        // Two for each part.
        activations!(with_function self, f32, _function, 1, 1, 2)
    }

    /// Whether it is for complex networks alone.
    pub(crate) fn is_complex(self) -> bool {
        self.about().complex
    }

    /// The units, if their outputs are drawn at random.
    pub(crate) fn units(self) -> Option<Units> {
        match self {
            Self::Bernoulli { estimator, temperature, samples, frozen } => {
                Some(Units { group: None, estimator, temperature, samples: samples as usize, frozen })
            }
            Self::Categorical { k, estimator, temperature, samples, frozen } => Some(Units {
                group: Some(k as usize),
                estimator,
                temperature,
                samples: samples as usize,
                frozen,
            }),
            _ => None,
        }
    }

    /// Whether it is for the output layer alone.
    pub(crate) fn is_for_outputs(self) -> bool {
        matches!(self, Self::Softmax | Self::Abs)
    }

    /// Whether the output determines the derivative; if not, [`Activation::apply_with_slopes`] must keep
    /// it.
    pub(crate) fn output_tells_derivative(self) -> bool {
        self.units().is_none() && activations!(with_function self, f32, _function, true, false, false)
    }

    /// The derivative, if a product of deltas can apply it before it stores its sums.
    pub(crate) fn derivative_in_product<T: Scalar>(self) -> Option<Derivative<T>> {
        activations!(with_function self, T, function, function.derivative_in_product(), None, None)
    }

    /// Whether outputs equal net inputs, or are computed elsewhere (softmax).
    fn is_nothing(self) -> bool {
        matches!(self, Self::Identity | Self::Softmax | Self::Abs) || self.units().is_some()
    }

    /// Turns net inputs into outputs: `rows` vectors of each panel, panels `stride` apart.
    pub(crate) fn apply<T: Scalar>(self, numbers: &mut [T], stride: usize, rows: usize) {
        if self.is_nothing() {
            return;
        }
        activations!(with_function self, T, function,
            dispatch(Apply { function, numbers, stride, rows }),
            dispatch(Apply { function, numbers, stride, rows }),
            dispatch(pair::Apply { function, numbers, stride, rows }));
    }

    /// Turns net inputs into outputs, and keeps the derivatives.
    pub(crate) fn apply_with_slopes<T: Scalar>(
        self,
        numbers: &mut [T],
        slopes: &mut [T],
        stride: usize,
        rows: usize,
    ) {
        activations!(with_function self, T, function,
            {
                dispatch(Apply { function, numbers: &mut *numbers, stride, rows });
                dispatch(KeepSlopes { function, numbers, slopes, stride, rows });
            },
            dispatch(ApplyWithSlopes { function, numbers, slopes, stride, rows }),
            dispatch(pair::ApplyWithSlopes { function, numbers, slopes, stride, rows }));
    }

    /// Multiplies deltas by slopes that were kept; those of a complex function by the matrices that these are.
    pub(crate) fn scale_by_slopes<T: Scalar>(
        self,
        deltas: &mut [T],
        slopes: &[T],
        stride: usize,
        rows: usize,
    ) {
        if self.slopes_of_output() == 2 {
            dispatch(pair::Back { deltas, slopes, stride, rows });
        } else {
            dispatch(ScaleBySlopes { deltas, slopes, stride, rows });
        }
    }

    /// Multiplies deltas by the derivative at the outputs, panels as in [`Activation::apply`]. For
    /// activations whose output tells it.
    pub(crate) fn scale_deltas<T: Scalar>(self, deltas: &mut [T], outputs: &[T], stride: usize, rows: usize) {
        if self.is_nothing() {
            return;
        }
        activations!(with_function self, T, function,
            dispatch(ScaleDeltas { function, deltas, outputs, stride, rows }),
            (),
            ());
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
