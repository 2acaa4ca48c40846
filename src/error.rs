//! What can go wrong.

/// The result of this crate's fallible functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Every error of this crate. Each message names the argument, what came and what was expected.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// An argument has a value outside its domain.
    #[error("{name} must be {expected}, got {got}")]
    Argument {
        /// The argument.
        name: &'static str,
        /// Its domain.
        expected: String,
        /// What came.
        got: String,
    },
    /// An array has the wrong shape.
    #[error("{name} must have shape {expected}, got {got}")]
    Shape {
        /// The argument.
        name: String,
        /// The shape it should have.
        expected: String,
        /// The shape that came.
        got: String,
    },
    /// An array holds a number that it must not hold.
    #[error("{name} must hold {expected}, got {got} at {place}")]
    Value {
        /// The argument.
        name: String,
        /// The numbers it may hold.
        expected: String,
        /// The first wrong one.
        got: String,
        /// Where that is.
        place: String,
    },
    /// A loss does not go with the network's output activation.
    #[error("loss {loss:?} needs an output activation of {expected}, got {got:?}")]
    LossAndOutput {
        /// The loss.
        loss: &'static str,
        /// The outputs it goes with.
        expected: String,
        /// The network's output activation.
        got: &'static str,
    },
    /// The caller, or a loss of the caller's own, did not go on.
    #[error("interrupted")]
    Interrupted,
    /// The system has no room for a buffer.
    #[error("not enough memory for {}", amount(*numbers))]
    OutOfMemory {
        /// The buffer's length.
        numbers: usize,
    },
    /// A file does not hold a network, or a checkpoint, that this version can read.
    #[error("{path} is not a ferroprop {kind}: {reason}")]
    ModelFile {
        /// The file.
        path: String,
        /// What it should be.
        kind: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A checkpoint is not of the training that is to go on from it.
    #[error(
        "checkpoint {path} is of another training: {name} was {theirs}, is now {ours}; remove the file, or \
         choose another one"
    )]
    OtherTraining {
        /// The file.
        path: String,
        /// The argument that differs.
        name: String,
        /// What it was.
        theirs: String,
        /// What it is.
        ours: String,
    },
    /// One of several networks that are trained together cannot be trained.
    #[error("network {index}: {error}")]
    OfNetwork {
        /// Its number, from 0 on.
        index: usize,
        /// What it is that went wrong with it.
        error: Box<Error>,
    },
    /// A file cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: String,
        /// The system's answer.
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn argument(
        name: &'static str,
        expected: impl Into<String>,
        got: impl std::fmt::Display,
    ) -> Self {
        Self::Argument { name, expected: expected.into(), got: got.to_string() }
    }

    pub(crate) fn shape(name: impl Into<String>, expected: impl Into<String>, got: &[usize]) -> Self {
        Self::Shape { name: name.into(), expected: expected.into(), got: tuple(got) }
    }

    pub(crate) fn value(
        name: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<f64>,
        place: impl std::fmt::Debug,
    ) -> Self {
        Self::Value {
            name: name.into(),
            expected: expected.into(),
            got: plain(got.into()),
            place: format!("{place:?}"),
        }
    }
}

/// Numbers that a buffer should have held, which may be too many to be counted.
fn amount(numbers: usize) -> String {
    if numbers == usize::MAX { "so many numbers".to_owned() } else { format!("{numbers} numbers") }
}

/// A shape as NumPy prints it.
pub(crate) fn tuple(shape: &[usize]) -> String {
    match shape {
        [one] => format!("({one},)"),
        _ => format!("({})", shape.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// A number as Python prints it: short, with a point or an exponent.
pub(crate) fn plain(number: f64) -> String {
    if number.is_nan() { "nan".to_owned() } else { format!("{number:?}") }
}
