//! Plain arguments: counts, seeds, lists.

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;

/// A positive integer.
pub(super) fn count(name: &str, value: &Bound<'_, PyAny>) -> PyResult<usize> {
    match integer(name, "a positive integer", value)? {
        number if number > 0 => usize::try_from(number).map_err(|_| wrong(name, "a positive integer", value)),
        _ => Err(wrong(name, "a positive integer", value)),
    }
}

/// A positive integer or None.
pub(super) fn optional_count(name: &str, value: Option<&Bound<'_, PyAny>>) -> PyResult<Option<usize>> {
    value.map(|value| count(name, value)).transpose()
}

/// An integer from 0 to 2^64 - 1.
pub(super) fn seed(value: &Bound<'_, PyAny>) -> PyResult<u64> {
    let expected = "an integer from 0 to 2**64 - 1";
    u64::try_from(integer("seed", expected, value)?).map_err(|_| wrong("seed", expected, value))
}

fn integer(name: &str, expected: &str, value: &Bound<'_, PyAny>) -> PyResult<i128> {
    value.extract::<i128>().map_err(|error| {
        if error.is_instance_of::<PyOverflowError>(value.py()) {
            wrong(name, expected, value)
        } else {
            let kind = type_name(value);
            PyTypeError::new_err(format!("{name} must be {expected}, got {kind}"))
        }
    })
}

fn wrong(name: &str, expected: &str, value: &Bound<'_, PyAny>) -> PyErr {
    PyValueError::new_err(format!("{name} must be {expected}, got {value}"))
}

/// The name of a value's type, for messages.
pub(super) fn type_name(value: &Bound<'_, PyAny>) -> String {
    value
        .get_type()
        .name()
        .map_or_else(|_| "an object".to_owned(), |name| name.to_string())
}

/// One value for all, or a sequence with one for each.
pub(super) fn one_or_each<'py, V>(
    value: &Bound<'py, PyAny>,
    count: usize,
    one: impl Fn(&Bound<'py, PyAny>) -> PyResult<V>,
    is_one: bool,
) -> PyResult<Vec<V>> {
    if is_one {
        (0..count).map(|_| one(value)).collect()
    } else {
        value.try_iter()?.map(|item| one(&item?)).collect()
    }
}
