//! f(z) = z, f' = 1. Exact.

use super::function::{FromOutput, Function};
use crate::catalogue::About;
use crate::kernel::Scalar;

pub(super) const ABOUT: About = About {
    name: "identity",
    aliases: &["linear"],
    summary: "The net input itself.",
    value: "z",
    derivative: "1",
    ..About::NOTHING
};

#[derive(Clone, Copy)]
pub(crate) struct Identity;

impl<T: Scalar> Function<T> for Identity {
    #[inline(always)]
    fn value(self, z: T) -> T {
        z
    }
}

impl<T: Scalar> FromOutput<T> for Identity {
    #[inline(always)]
    fn derivative(self, _: T) -> T {
        T::ONE
    }
}
