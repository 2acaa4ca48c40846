//! A multi-layer perceptron that trains as fast as the CPU allows, without a learning rate if you
//! like (resilient propagation), and gives the same bits on every machine.
//!
//! A [`Network`] is layers and one flat vector of parameters; [`train`] makes a [`Loss`] small over
//! a [`Dataset`] with an [`Optimizer`]. Numbers are `f32` or `f64` ([`Scalar`]).
//!
//! ```
//! use ferroprop::*;
//! use ndarray::array;
//!
//! // Exclusive or.
//! let x = array![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
//! let y = array![[0.0], [1.0], [1.0], [0.0]];
//! let mut network: Network<f64> =
//!     Network::builder([2, 4, 1]).hidden(Activation::Tanh).output_activation(Activation::LOGISTIC).seed(3).build()?;
//! let data = Dataset::new(x.view(), y.view(), None);
//! Training::new(Loss::LOG_LOSS).optimizer(Rprop::default()).epochs(100).run(&mut network, &data)?;
//! let p = network.predict(x.view(), None)?;
//! assert!(p[[1, 0]] > 0.99 && p[[3, 0]] < 0.01);
//! # Ok::<(), Error>(())
//! ```
//!
//! The names that most programs need stand here; the modules have the rest. [`kernel`] and [`memory`] are
//! public for benches: what is in them may change with any version.
//!
//! With the feature `serde`, networks, layers, losses, rules and histories go through any format of serde.
//!
//! # Same bits
//! A result depends on the data, the settings and the seed alone: not on the number of threads, the
//! instruction set, the memory layout of the input nor, for predictions, on the other rows.

#![warn(missing_docs)]
// Only the files that tests/test_unsafe.py lists allow it again.
#![deny(unsafe_code)]

pub mod activation;
mod builder;
mod catalogue;
mod check;
mod durable;
pub mod error;
pub mod kernel;
pub mod layer;
pub mod loss;
pub mod memory;
pub mod model_file;
pub mod network;
mod number;
mod once;
pub mod optimizer;
mod parallel;
mod pass;
#[cfg(feature = "python")]
mod python;
mod random;
mod sampling;
pub mod schedule;
#[cfg(feature = "serde")]
mod serde_form;
mod tensor_file;
pub mod training;

pub use activation::{Activation, Estimator};
pub use builder::{NetworkBuilder, OneOrEach};
pub use error::{Error, Result};
pub use kernel::{InstructionSet, Scalar};
pub use layer::{Init, Kind, Layer, ParameterArray, RecurrentInit, Returns};
pub use loss::{Loss, Objective, RowLoss};
pub use model_file::{from_bytes, load, save, to_bytes};
pub use network::Network;
pub use number::Number;
pub use optimizer::*;
pub use parallel::threads;
pub use pass::{Inputs, LayerValues, RecurrentValues, SequenceValues, Sequences, SparseRows};
pub use sampling::{Moments, Sampling};
pub use schedule::{Fall, FunctionOfStep, OneCycle, Schedule, StepFunction};
pub use training::{
    BlockShuffle, Checkpoint, Dataset, Epoch, History, Job, Lbfgs, Minimum, Note, Observer, OptimizerState,
    Partial, PartialNode, RemoteRows, SearchEnd, Settings, Shuffle, StopReason, Training, minimize, train,
    train_many,
};

/// The README's Rust example runs with the other doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
