//! Any machine: arrays that the compiler turns into whatever vectors the target has (NEON on
//! aarch64). The trait is implemented beside the number types, in `scalar`.

/// Lines as plain arrays.
#[derive(Clone, Copy, Debug)]
pub struct Portable;
