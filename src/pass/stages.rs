//! Which block of rows layers need: the list of stages.

/// Calls a body with the stage of these layers as the type `$s`.
macro_rules! with_stage {
    ($layers:expr, $s:ident => $body:expr) => {{
        use $crate::layer::Flow;
        match $layers[0].flow() {
            Flow::Rows => {
                type $s<T> = $crate::pass::block::Block<T>;
                $body
            }
            Flow::Sequences => {
                type $s<T> = $crate::pass::sequence::SequenceBlock<T>;
                $body
            }
        }
    }};
}
pub(super) use with_stage;
