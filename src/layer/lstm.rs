//! Long short-term memory: Hochreiter & Schmidhuber, Neural Computation 9, 1997, with the gate that forgets of Gers, Schmidhuber
//! & Cummins, "Learning to forget", Neural Computation 12, 2000. Gates i, f, g, o, in this order:
//! `c_t = f c_(t-1) + i g`, `h_t = o tanh(c_t)`.

use super::kind::Recurrence;
use super::recurrent::Recurrent;

pub(super) struct Lstm;

impl Recurrent for Lstm {
    const NAME: &'static str = "lstm";
    const FORM: Recurrence = Recurrence {
        gates: 4,
        forget: Some(1),
        own_biases: false,
        groups: 4,
        from_inputs: 0,
        from_states: &[0],
        states: 2,
    };
}
