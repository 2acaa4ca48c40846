//! Plain arguments: numbers, counts, flags, names. Every message names the argument, what came and
//! what was expected.

use std::convert::Infallible;
use std::path::PathBuf;

use pyo3::exceptions::{PyException, PyMemoryError, PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyIterator, PyString};

/// An argument that may be left out; None is a value like any other.
pub(super) enum Arg<'py> {
    Absent,
    Given(Bound<'py, PyAny>),
}

impl<'py> FromPyObject<'_, 'py> for Arg<'py> {
    type Error = Infallible;

    fn extract(value: Borrowed<'_, 'py, PyAny>) -> Result<Self, Infallible> {
        Ok(Self::Given(value.to_owned()))
    }
}

impl<'py> Arg<'py> {
    /// The value; nothing if it was left out or is None.
    pub fn some(&self) -> Option<&Bound<'py, PyAny>> {
        match self {
            Self::Given(value) if !value.is_none() => Some(value),
            _ => None,
        }
    }

    fn or<R>(&self, default: R, convert: impl FnOnce(&Bound<'py, PyAny>) -> PyResult<R>) -> PyResult<R> {
        match self {
            Self::Absent => Ok(default),
            Self::Given(value) => convert(value),
        }
    }

    /// A number.
    pub fn number(&self, name: &str, default: f64) -> PyResult<f64> {
        self.or(default, |value| number(name, value))
    }

    /// A number or None.
    pub fn optional_number(&self, name: &str) -> PyResult<Option<f64>> {
        self.some().map(|value| number(name, value)).transpose()
    }

    /// A positive integer.
    pub fn count(&self, name: &str, default: usize) -> PyResult<usize> {
        self.or(default, |value| count(name, value))
    }

    /// An integer from 0 on.
    pub fn count_from_0(&self, name: &str, default: usize) -> PyResult<usize> {
        let expected = "0 or a positive integer";
        self.or(default, |value| {
            usize::try_from(integer(name, expected, value)?).map_err(|_| wrong(name, expected, value))
        })
    }

    /// A positive integer or None.
    pub fn optional_count(&self, name: &str) -> PyResult<Option<usize>> {
        self.some().map(|value| count(name, value)).transpose()
    }

    /// An integer.
    pub fn integer(&self, name: &str, default: i128) -> PyResult<i128> {
        self.or(default, |value| integer(name, "an integer", value))
    }

    /// True or False.
    pub fn flag(&self, name: &str, default: bool) -> PyResult<bool> {
        self.or(default, |value| flag(name, value))
    }

    /// True, False or None.
    pub fn optional_flag(&self, name: &str) -> PyResult<Option<bool>> {
        self.some().map(|value| flag(name, value)).transpose()
    }

    /// A name.
    pub fn text(&self, name: &str, default: &str) -> PyResult<String> {
        self.or(default.to_owned(), |value| text(name, value))
    }

    /// An integer from 0 to 2^64 - 1, by default 0.
    pub fn seed(&self) -> PyResult<u64> {
        self.or(0, |value| integer_from_0("seed", value))
    }

    /// An integer from 0 to 2^64 - 1 or None.
    pub fn optional_seed(&self, name: &str) -> PyResult<Option<u64>> {
        self.some().map(|value| integer_from_0(name, value)).transpose()
    }

    /// A function or None.
    pub fn callable(&self, name: &str) -> PyResult<Option<Py<PyAny>>> {
        match self.some() {
            Some(value) if !value.is_callable() => Err(wrong_type(name, "a function or None", value)),
            value => Ok(value.map(|value| value.clone().unbind())),
        }
    }
}

/// A number.
pub(super) fn number(name: &str, value: &Bound<'_, PyAny>) -> PyResult<f64> {
    value.extract().map_err(|error| unless_foreign(error, value, || wrong_type(name, "a real number", value)))
}

/// A positive integer.
pub(super) fn count(name: &str, value: &Bound<'_, PyAny>) -> PyResult<usize> {
    let expected = "a positive integer";
    match usize::try_from(integer(name, expected, value)?) {
        Ok(number) if number > 0 => Ok(number),
        _ => Err(wrong(name, expected, value)),
    }
}

/// An integer from 0 to 2^64 - 1.
pub(super) fn integer_from_0(name: &str, value: &Bound<'_, PyAny>) -> PyResult<u64> {
    let expected = "an integer from 0 to 2**64 - 1";
    u64::try_from(integer(name, expected, value)?).map_err(|_| wrong(name, expected, value))
}

/// True or False.
pub(super) fn flag(name: &str, value: &Bound<'_, PyAny>) -> PyResult<bool> {
    value.extract().map_err(|error| unless_foreign(error, value, || wrong_type(name, "True or False", value)))
}

/// A name.
pub(super) fn text(name: &str, value: &Bound<'_, PyAny>) -> PyResult<String> {
    match value.cast::<PyString>() {
        // Half of a surrogate pair is no text.
        Ok(text) => text.to_str().map(str::to_owned).map_err(|_| wrong(name, "a name", value)),
        Err(_) => Err(wrong_type(name, "a name", value)),
    }
}

/// A path.
pub(super) fn path(name: &str, value: &Bound<'_, PyAny>) -> PyResult<PathBuf> {
    let path: PathBuf = value
        .extract()
        .map_err(|error| unless_foreign(error, value, || wrong_type(name, "a path", value)))?;
    // Text that no file system takes: half of a surrogate pair, a NUL.
    if path.as_os_str().as_encoded_bytes().contains(&0) {
        return Err(wrong(name, "a path", value));
    }
    Ok(path)
}

/// An error of ours in place of one that a conversion raised because of the value's type; what the value's own
/// methods raise beside that (an interruption, no memory, errors of the caller's) comes out as it is.
pub(super) fn unless_foreign(error: PyErr, value: &Bound<'_, PyAny>, ours: impl FnOnce() -> PyErr) -> PyErr {
    if error.is_instance_of::<PyTypeError>(value.py()) { ours() } else { error }
}

fn integer(name: &str, expected: &str, value: &Bound<'_, PyAny>) -> PyResult<i128> {
    value.extract().map_err(|error: PyErr| {
        if error.is_instance_of::<PyOverflowError>(value.py()) {
            wrong(name, expected, value)
        } else {
            unless_foreign(error, value, || wrong_type(name, expected, value))
        }
    })
}

/// A value outside the argument's domain.
pub(super) fn wrong(name: &str, expected: &str, got: &Bound<'_, PyAny>) -> PyErr {
    let got = match got.repr() {
        Ok(text) => text.to_string(),
        Err(error) if is_plain(&error, got.py()) => type_name(got),
        Err(error) => return error,
    };
    PyValueError::new_err(format!("{name} must be {expected}, got {got}"))
}

/// Whether an error says something of a value only, and nothing of the process.
fn is_plain(error: &PyErr, py: Python<'_>) -> bool {
    error.is_instance_of::<PyException>(py) && !error.is_instance_of::<PyMemoryError>(py)
}

/// A value of the wrong kind.
pub(super) fn wrong_type(name: &str, expected: &str, got: &Bound<'_, PyAny>) -> PyErr {
    PyTypeError::new_err(format!("{name} must be {expected}, got {}", type_name(got)))
}

/// The name of a value's type, for messages.
pub(super) fn type_name(value: &Bound<'_, PyAny>) -> String {
    value.get_type().name().map_or_else(|_| "an object".to_owned(), |name| name.to_string())
}

/// One value for all, or a sequence with one for each.
pub(super) fn one_or_each<'py, V>(
    value: &Bound<'py, PyAny>,
    count: usize,
    one: impl Fn(&Bound<'py, PyAny>) -> PyResult<V>,
    is_one: bool,
) -> PyResult<Vec<V>> {
    if is_one {
        one(value)?; // wrong is wrong, even where there is no layer for it
        collect((0..count).map(|_| one(value)))
    } else {
        collect(value.try_iter()?.map(|item| one(&item?)))
    }
}

/// The items of a value; nothing if it has none.
pub(super) fn iterated<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyIterator>>> {
    match value.try_iter() {
        Ok(items) => Ok(Some(items)),
        Err(error) if error.is_instance_of::<PyTypeError>(value.py()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What an iterator gives, which may be without end: then there is an error when memory is.
pub(super) fn collect<V>(items: impl Iterator<Item = PyResult<V>>) -> PyResult<Vec<V>> {
    let mut vector = Vec::new();
    for item in items {
        vector.try_reserve(1).map_err(|_| crate::Error::OutOfMemory { numbers: vector.len() + 1 })?;
        vector.push(item?);
    }
    Ok(vector)
}
