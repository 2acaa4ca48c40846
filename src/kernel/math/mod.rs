//! The crate's own elementary functions, for loops that the compiler turns into vector code.
mod exp;
mod log;
mod logistic;
#[cfg(test)]
mod reference;
mod tanh;
#[cfg(test)]
mod ulp;

pub use exp::{exp_f32, exp_f64};
pub use log::{log_f32, log_f64, log1p_f32, log1p_f64};
pub use logistic::{logistic_f32, logistic_f64, softplus_f32, softplus_f64};
pub use tanh::{tanh_f32, tanh_f64};
