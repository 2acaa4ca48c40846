//! The traits of an activation function.

use crate::kernel::Derivative;

/// A function of one number.
pub(super) trait Function<T>: Copy {
    /// f(z)
    fn value(self, z: T) -> T;
}

/// A function whose output determines its derivative: the backward pass needs nothing else.
pub(super) trait FromOutput<T>: Function<T> {
    /// f'(z), from a = f(z)
    fn derivative(self, a: T) -> T;

    /// The derivative, if a product of deltas can apply it before it stores its sums.
    fn derivative_in_product(self) -> Option<Derivative<T>> {
        None
    }
}

/// A function whose output does not determine its derivative: the forward pass of a training computes
/// both, because they share their costly part, and keeps the derivative ("slope").
pub(super) trait FromNet<T>: Function<T> {
    /// f(z) and f'(z)
    fn value_and_derivative(self, z: T) -> (T, T);
}
