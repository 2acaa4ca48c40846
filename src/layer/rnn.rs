//! The simple recurrent layer of Elman, "Finding structure in time", Cognitive Science 14, 1990:
//! `h_t = activation(x_t W + h_(t-1) U + b)`.

use super::kind::Recurrence;
use super::recurrent::Recurrent;

pub(super) struct Rnn;

impl Recurrent for Rnn {
    const NAME: &'static str = "rnn";
    const FORM: Recurrence = Recurrence {
        gates: 1,
        forget: None,
        own_biases: false,
        groups: 1,
        from_inputs: 0,
        from_states: &[0],
        states: 1,
    };
}
