//! One place where this crate's errors become Python's.

use pyo3::PyErr;
use pyo3::exceptions::{PyMemoryError, PyOSError, PyValueError};

use crate::Error;

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        match error {
            Error::OfNetwork { index, error } => converted(*error, &of_network(index)),
            error => converted(error, ""),
        }
    }
}

/// How messages begin that are about one of several networks.
pub(super) fn of_network(index: usize) -> String {
    format!("networks[{index}]: ")
}

/// The error with a message that begins like this.
fn converted(error: Error, begin: &str) -> PyErr {
    let error = in_python(error);
    let message = format!("{begin}{error}");
    match error {
        Error::OutOfMemory { .. } => PyMemoryError::new_err(message),
        // With a number OSError turns into FileNotFoundError, PermissionError, ...
        Error::Io { path, source } => match source.raw_os_error() {
            Some(number) => PyOSError::new_err((number, format!("{begin}{source}"), path)),
            None => PyOSError::new_err(message),
        },
        Error::Shape { name, expected, got }
            if name.ends_with('Y') && got.ends_with(", 1)") && !expected.ends_with(", 1)") =>
        {
            PyValueError::new_err(format!(
                "{message}; class numbers become one column per class by np.eye(n_classes)[Y.ravel()]"
            ))
        }
        _ => PyValueError::new_err(message),
    }
}

/// What Rust's arguments and Python's are called where the two differ.
const NAMES: [(&str, &str); 4] = [
    ("weights", "sample_weight"),
    ("validation weights", "validation sample_weight"),
    ("every", "checkpoint_every"),
    ("range", "init_range"),
];

fn in_python(mut error: Error) -> Error {
    let name_of = |name: &str| NAMES.into_iter().find(|(rust, _)| *rust == name).map(|(_, python)| python);
    match &mut error {
        Error::Argument { name, .. } => *name = name_of(name).unwrap_or(name),
        Error::Shape { name, .. } | Error::Value { name, .. } | Error::OtherTraining { name, .. } => {
            if let Some(python) = name_of(name) {
                python.clone_into(name);
            }
        }
        _ => {}
    }
    error
}
