//! Rows of inputs and targets for a network, in its dtype.

use numpy::Element;
use pyo3::prelude::*;

use super::arrays::{Hold, Matrix};
use crate::Scalar;

/// Rows of inputs for a network.
pub(super) fn inputs<'py, T: Scalar + Element>(
    network: &crate::Network<T>,
    name: &str,
    value: &Bound<'py, PyAny>,
    hold: Hold,
) -> PyResult<Matrix<'py, T>> {
    if !network.is_complex() {
        return Matrix::new(name, value, hold);
    }
    let rows = Matrix::parts(name, value, true)?;
    let (n, numbers) = rows.view().dim();
    if numbers != network.numbers_in() || n == 0 {
        let expected = format!("(n, {}) with n at least 1", network.n_inputs());
        return Err(crate::Error::shape(name, expected, &[n, numbers / 2]).into());
    }
    Ok(rows)
}

/// Their targets, for `rows` rows, held as a view.
pub(super) fn targets<'py, T: Scalar + Element>(
    network: &crate::Network<T>,
    name: &str,
    value: &Bound<'py, PyAny>,
    rows: usize,
) -> PyResult<Matrix<'py, T>> {
    if !network.complex_outputs() {
        return Matrix::new(name, value, Hold::AView);
    }
    let targets = Matrix::parts(name, value, false)?;
    let (n, numbers) = targets.view().dim();
    if (n, numbers) != (rows, network.numbers_out()) {
        let expected = format!("({rows}, {})", network.n_outputs());
        return Err(crate::Error::shape(name, expected, &[n, numbers / 2]).into());
    }
    Ok(targets)
}
