//! One place where this crate's errors become Python's.

use pyo3::PyErr;
use pyo3::exceptions::{PyMemoryError, PyOSError, PyValueError};

use crate::Error;

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        let error = in_python(error);
        match error {
            Error::OutOfMemory { .. } => PyMemoryError::new_err(error.to_string()),
            // With a number OSError turns into FileNotFoundError, PermissionError, ...
            Error::Io { ref path, ref source } => match source.raw_os_error() {
                Some(number) => PyOSError::new_err((number, source.to_string(), path.clone())),
                None => PyOSError::new_err(error.to_string()),
            },
            Error::Shape { ref name, ref expected, ref got }
                if name.ends_with('Y') && got.ends_with(", 1)") && !expected.ends_with(", 1)") =>
            {
                PyValueError::new_err(format!(
                    "{error}; class numbers become one column per class by np.eye(n_classes)[Y.ravel()]"
                ))
            }
            _ => PyValueError::new_err(error.to_string()),
        }
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
