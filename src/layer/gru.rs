//! The gated recurrent unit of Cho et al., "Learning phrase representations using RNN encoder-decoder", EMNLP 2014, in the
//! form in which the reset gate comes after the product with the recurrent weights, as in cuDNN, `PyTorch` and Keras. Gates r, z, n:
//! `u = h_(t-1) U_n + c_n`, `n = tanh(x_t W_n + b_n + r u)`, `h_t = (1 - z) n + z h_(t-1)`.

use super::kind::Recurrence;
use super::recurrent::Recurrent;

pub(super) struct Gru;

impl Recurrent for Gru {
    const NAME: &'static str = "gru";
    const FORM: Recurrence = Recurrence {
        gates: 3,
        forget: None,
        own_biases: true,
        groups: 4,
        from_inputs: 1,
        from_states: &[1, 0],
        states: 1,
    };
}
