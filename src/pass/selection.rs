//! Which rows of a data set.

/// The rows of a data set, in the order in which they are used.
#[derive(Clone, Copy)]
pub(crate) enum Selection<'a> {
    /// Rows `from`, `from + 1`, ...
    Range { from: usize },
    /// Rows by number.
    Listed(&'a [u32]),
}

impl Selection<'_> {
    /// The row at a place of the selection.
    pub fn row(self, place: usize) -> usize {
        match self {
            Self::Range { from } => from + place,
            Self::Listed(rows) => rows[place] as usize,
        }
    }

    /// The selection from a place on.
    pub fn skip(self, places: usize) -> Self {
        match self {
            Self::Range { from } => Self::Range { from: from + places },
            Self::Listed(rows) => Self::Listed(&rows[places..]),
        }
    }
}
