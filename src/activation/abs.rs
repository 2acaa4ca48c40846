//! The absolute value of a complex net input, for the output layer; [`magnitude`](super::magnitude) has the arithmetic.

use crate::catalogue::About;

pub(super) const ABOUT: About = About {
    name: "abs",
    summary: "The absolute value of a complex number: real outputs. For the output layer only.",
    value: "abs(z)",
    complex: true,
    ..About::NOTHING
};
