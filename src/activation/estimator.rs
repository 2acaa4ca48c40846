//! What goes back through a draw, and the uniform numbers that draws are made of.

use crate::catalogue::{Setting, Value};

/// What goes back through a unit whose output is drawn at random: the draw itself has no derivative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Estimator {
    /// The derivative of the probability in place of that of the draw: biased.
    #[default]
    StraightThrough,
    /// A relaxed draw, between 0 and 1, in place of the draw: the exact gradient of another network.
    Concrete,
    /// The draw on the way forward, the derivative of the relaxed draw on the way back: biased.
    StraightThroughConcrete,
    /// The loss times the derivative of the draw's log-probability: without bias.
    ScoreFunction,
}

impl Estimator {
    /// The one that is used if nothing is said.
    pub(super) const USUAL: Self = Self::StraightThrough;

    const ALL: [Self; 4] =
        [Self::StraightThrough, Self::Concrete, Self::StraightThroughConcrete, Self::ScoreFunction];

    /// The names, in the order of the list.
    pub(super) const NAMES: [&'static str; 4] =
        ["straight_through", "concrete", "straight_through_concrete", "score_function"];

    /// The name it goes by in Python and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::NAMES[self as usize]
    }
}

impl From<Estimator> for Value {
    fn from(estimator: Estimator) -> Self {
        Self::Name(estimator.name())
    }
}

impl Setting for Estimator {
    fn set(&mut self, value: &Value) {
        let named = |estimator: &Self| *value == Value::Name(estimator.name());
        *self = Self::ALL.into_iter().find(named).unwrap_or(*self);
    }
}

/// The number of a word: from 0 to 1, both excluded, exact in double precision.
#[inline(always)]
pub(super) fn unit(word: u32) -> f64 {
    (f64::from(word) + 0.5) * (1.0 / 4_294_967_296.0)
}
