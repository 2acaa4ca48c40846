//! Initial weights and biases.

use super::spec::Layer;
use crate::activation::Activation;
use crate::catalogue::{nearest, unknown_name};
use crate::check::check_number;
use crate::error::{Error, Result};
use crate::kernel::Scalar;
use crate::number::Number;
use crate::random::Random;

/// How initial weights and biases are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Init {
    /// Uniform within sqrt(6 / (fan in + fan out)), or sqrt(2 / ...) for logistic layers: Glorot &
    /// Bengio, "Understanding the difficulty of training deep feedforward neural networks",
    /// AISTATS 2010, biases included as in scikit-learn.
    #[default]
    Glorot,
    /// Weights uniform within sqrt(6 / fan in), of variance 2 / fan in, for layers that rectify;
    /// biases 0: He et al., "Delving deep into rectifiers", ICCV 2015.
    He,
    /// Weights uniform within sqrt(3 / fan in), of variance 1 / fan in; biases 0: `LeCun` et al., "Efficient
    /// backprop", 1998. For SELU, too.
    LeCun,
    /// Weights with orthonormal columns, or orthonormal rows where the fan out is greater, each such matrix
    /// equally likely; biases 0: Saxe et al., "Exact solutions to the nonlinear dynamics of
    /// learning in deep linear neural networks", ICLR 2014. Drawing them takes a time in proportion to the
    /// parameters times the smaller fan.
    Orthogonal,
    /// All 0: for a network without hidden layers, and to see why others have random weights.
    Zeros,
    /// Uniform within the range around 0, biases included.
    Uniform {
        /// The largest absolute value.
        range: f64,
    },
}

impl Init {
    /// All by name, with names that others use; the range is that of `uniform`.
    const fn named(range: f64) -> [(&'static str, Self, &'static [&'static str]); 6] {
        [
            ("glorot", Self::Glorot, &["xavier", "glorot_uniform", "xavier_uniform"]),
            ("he", Self::He, &["kaiming", "he_uniform", "kaiming_uniform", "he_normal", "kaiming_normal"]),
            ("lecun", Self::LeCun, &["lecun_uniform", "lecun_normal"]),
            ("orthogonal", Self::Orthogonal, &[]),
            ("zeros", Self::Zeros, &["zero", "constant"]),
            ("uniform", Self::Uniform { range }, &["random_uniform"]),
        ]
    }

    /// The one of that name; `range` is for `uniform`.
    ///
    /// # Errors
    /// [`Error::Argument`] with the list of names.
    ///
    /// ```
    /// use ferroprop::Init;
    /// assert_eq!(Init::from_name("he", 0.1)?, Init::He);
    /// assert!(Init::from_name("xavier", 0.1).unwrap_err().to_string().ends_with("did you mean \"glorot\"?"));
    /// # Ok::<(), ferroprop::Error>(())
    /// ```
    pub fn from_name(name: &str, range: f64) -> Result<Self> {
        let all = Self::named(range);
        let found = all.iter().find(|(own, ..)| *own == name).map(|(_, init, _)| *init);
        found.ok_or_else(|| {
            let spelt = all.iter().flat_map(|(own, _, others)| {
                std::iter::once((*own, *own)).chain(others.iter().map(|other| (*other, *own)))
            });
            unknown_name("init", all.iter().map(|(own, ..)| *own), name, nearest(spelt.collect(), name))
        })
    }

    /// Checks what can be checked without a type of numbers.
    pub(crate) fn check(self) -> Result<()> {
        match self {
            Self::Uniform { range } => check_number("range", range, "0 or a positive number", |x| x >= 0.0),
            _ => Ok(()),
        }
    }

    /// Checks that a type of numbers can hold what is drawn.
    pub(crate) fn check_typed<T: Number>(self) -> Result<()> {
        self.check()?;
        let Self::Uniform { range } = self else { return Ok(()) };
        let expected = format!("a number that {} can hold", T::NAME);
        check_number("range", range, &expected, |range| T::from_f64(range).is_finite())
    }

    /// Draws the weights of a dense layer, and then its biases.
    pub(super) fn draw<T: Scalar>(
        self,
        layer: &Layer,
        random: &mut Random,
        parameters: &mut [T],
    ) -> Result<()> {
        if self == Self::Orthogonal {
            let (weights, biases) = parameters.split_at_mut(layer.fan_in * layer.fan_out);
            biases.fill(T::ZERO);
            return orthogonal(layer.fan_in, layer.fan_out, random, weights);
        }
        self.draw_uniform(layer, 1, 1.0, random, parameters);
        Ok(())
    }

    /// Draws the weights of one gate of a layer that recurs, fan in x fan out.
    pub(super) fn draw_gate<T: Scalar>(
        self,
        layer: &Layer,
        random: &mut Random,
        weights: &mut [T],
    ) -> Result<()> {
        if self == Self::Orthogonal {
            return orthogonal(layer.fan_in, layer.fan_out, random, weights);
        }
        let bound = self.bound(layer.fan_in, layer.fan_out, layer.activation);
        weights.fill_with(|| random.uniform(bound));
        Ok(())
    }

    /// Draws the weights of a complex layer, and then its biases, two parts each.
    pub(super) fn draw_complex<T: Scalar>(
        self,
        layer: &Layer,
        random: &mut Random,
        parameters: &mut [T],
    ) -> Result<()> {
        if self == Self::Orthogonal {
            let expected = "another than \"orthogonal\" for complex networks";
            return Err(Error::argument("init", expected, "\"orthogonal\""));
        }
        // The mean of a number's squared absolute value is that of a real one's square, half of it in each part;
        // the range is that of each part.
        let uniform = matches!(self, Self::Uniform { .. });
        let divisor = if uniform { 1.0 } else { std::f64::consts::SQRT_2 };
        self.draw_uniform(layer, 2, divisor, random, parameters);
        Ok(())
    }

    /// Draws weights and biases of so many numbers each, within the bound over the divisor.
    fn draw_uniform<T: Scalar>(
        self,
        layer: &Layer,
        numbers: usize,
        divisor: f64,
        random: &mut Random,
        parameters: &mut [T],
    ) {
        if self == Self::Zeros {
            return parameters.fill(T::ZERO);
        }
        let (weights, biases) = parameters.split_at_mut(layer.fan_in * layer.fan_out * numbers);
        let bound = self.bound(layer.fan_in, layer.fan_out, layer.activation) / divisor;
        weights.fill_with(|| random.uniform(bound));
        if matches!(self, Self::Glorot | Self::Uniform { .. }) {
            biases.fill_with(|| random.uniform(bound));
        } else {
            biases.fill(T::ZERO);
        }
    }

    /// The largest absolute value of a weight, for those that are uniform.
    fn bound(self, fan_in: usize, fan_out: usize, activation: Activation) -> f64 {
        match self {
            Self::Glorot => {
                let gain = if matches!(activation, Activation::Logistic { .. } | Activation::Bernoulli { .. })
                {
                    2.0
                } else {
                    6.0
                };
                (gain / (fan_in + fan_out) as f64).sqrt()
            }
            Self::He => (6.0 / fan_in as f64).sqrt(),
            Self::LeCun => (3.0 / fan_in as f64).sqrt(),
            Self::Orthogonal | Self::Zeros => 0.0,
            Self::Uniform { range } => range,
        }
    }
}

/// How the recurrent weights of each gate, units x units, are drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum RecurrentInit {
    /// An orthogonal matrix: what goes through it keeps its length. Saxe et al., as for [`Init::Orthogonal`].
    #[default]
    Orthogonal,
    /// The identity: Le, Jaitly & Hinton, "A simple way to initialize recurrent networks of rectified linear units",
    /// 2015.
    Identity,
    /// Uniform within sqrt(3 / units), as [`Init::Glorot`] would draw it.
    Glorot,
    /// Uniform within 1 / sqrt(units): the range of all parameters of a recurrent layer of `PyTorch`.
    Torch,
    /// All 0: a network without memory.
    Zeros,
    /// Uniform within the range around 0.
    Uniform {
        /// The largest absolute value.
        range: f64,
    },
}

impl RecurrentInit {
    /// The one of that name; `range` is for `uniform`.
    ///
    /// # Errors
    /// [`Error::Argument`] with the list of names.
    pub fn from_name(name: &str, range: f64) -> Result<Self> {
        let all = [
            ("orthogonal", Self::Orthogonal),
            ("identity", Self::Identity),
            ("glorot", Self::Glorot),
            ("torch", Self::Torch),
            ("zeros", Self::Zeros),
            ("uniform", Self::Uniform { range }),
        ];
        let found = all.iter().find(|(own, _)| *own == name).map(|(_, init)| *init);
        let names = all.map(|(own, _)| own);
        found.ok_or_else(|| {
            let spelt = names.iter().map(|own| (*own, *own)).chain([
                ("eye", "identity"),
                ("xavier", "glorot"),
                ("pytorch", "torch"),
            ]);
            unknown_name("recurrent_init", names.into_iter(), name, nearest(spelt.collect(), name))
        })
    }

    /// Draws the recurrent weights of one gate.
    pub(super) fn draw<T: Scalar>(self, layer: &Layer, random: &mut Random, weights: &mut [T]) -> Result<()> {
        let units = layer.fan_out;
        let bound = match self {
            Self::Orthogonal => return orthogonal(units, units, random, weights),
            Self::Identity => {
                weights.fill(T::ZERO);
                weights.iter_mut().step_by(units + 1).for_each(|weight| *weight = T::ONE);
                return Ok(());
            }
            Self::Glorot => (3.0 / units as f64).sqrt(),
            Self::Torch => (1.0 / units as f64).sqrt(),
            Self::Zeros => 0.0,
            Self::Uniform { range } => range,
        };
        weights.fill_with(|| random.uniform(bound));
        Ok(())
    }
}

/// Fills a matrix, row by row, whose columns are orthonormal, or whose rows are if it has more columns.
///
/// Vectors of normal numbers, made orthogonal to those before them one after the other (Gram and Schmidt), twice
/// each: the second time takes off what rounding left. In double precision whatever the type.
fn orthogonal<T: Scalar>(
    fan_in: usize,
    fan_out: usize,
    random: &mut Random,
    weights: &mut [T],
) -> Result<()> {
    let (length, count) = (fan_in.max(fan_out), fan_in.min(fan_out));
    let numbers = length * count;
    let mut vectors: Vec<f64> = Vec::new();
    vectors.try_reserve_exact(numbers).map_err(|_| Error::OutOfMemory { numbers })?;
    vectors.resize(numbers, 0.0);
    for index in 0..count {
        let (done, rest) = vectors.split_at_mut(index * length);
        let vector = &mut rest[..length];
        // One that has next to nothing of its own is drawn again.
        loop {
            vector.fill_with(|| random.normal());
            let drawn = dot(vector, vector);
            for other in done.chunks_exact(length).chain(done.chunks_exact(length)) {
                let along = dot(other, vector);
                vector.iter_mut().zip(other).for_each(|(x, o)| *x -= along * o);
            }
            let left = dot(vector, vector);
            if left > 1e-12 * drawn {
                let norm = left.sqrt();
                for x in vector {
                    *x /= norm;
                }
                break;
            }
        }
    }
    for (row, weights) in weights.chunks_exact_mut(fan_out).enumerate() {
        for (column, weight) in weights.iter_mut().enumerate() {
            let at = if fan_in < fan_out { row * length + column } else { column * length + row };
            *weight = T::from_f64(vectors[at]);
        }
    }
    Ok(())
}

/// A sum in eight parts, which the processor adds up side by side.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a, b) = (a.chunks_exact(8), b.chunks_exact(8));
    let tail: f64 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| x * y).sum();
    for (x, y) in a.zip(b) {
        for lane in 0..8 {
            sums[lane] += x[lane] * y[lane];
        }
    }
    sums.iter().sum::<f64>() + tail
}
