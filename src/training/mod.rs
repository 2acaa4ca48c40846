//! Training: the fit loop, one step of it, the optimizer's memory, checkpoints.

mod builder;
mod callers;
mod checkpoint;
mod curvature;
mod dataset;
mod early_stopping;
mod engine;
mod fit;
mod gradient;
mod history;
mod joint_step;
mod kept;
mod lbfgs;
mod line_search;
mod many;
mod micro_batch;
mod noise;
mod observer;
mod partial;
mod remote;
mod row_order;
mod settings;
mod shards;
mod state;
mod step;
mod sums;
mod tree;
mod vectors;

pub use builder::Training;
#[cfg(feature = "python")]
pub(crate) use checkpoint::note;
pub use checkpoint::{Note, rewritten};
pub use dataset::Dataset;
pub use fit::train;
#[cfg(feature = "python")]
pub(crate) use gradient::{layer_values, loss_and_gradient, sequence_values};
pub use history::{Epoch, History, StopReason};
pub use lbfgs::{Lbfgs, Minimum, SearchEnd, minimize};
pub use many::{Job, train_many};
pub use observer::Observer;
pub use partial::{Partial, PartialNode, RemoteRows};
#[cfg(feature = "python")]
pub(crate) use remote::partial_sums;
#[cfg(feature = "python")]
pub(crate) use settings::check_rate;
pub use settings::{BlockShuffle, Checkpoint, Settings, Shuffle};
pub use state::OptimizerState;
