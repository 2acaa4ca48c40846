//! Which rows of a data set.

/// The rows of a data set, in the order in which they are used.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Selection<'a> {
    /// Rows `from`, `from + 1`, ...
    Range { from: usize },
    /// Rows by number.
    Listed(&'a [u32]),
    /// Each row of a selection several times, one copy after the other, from a place among these on.
    Copied { rows: Rows<'a>, copies: usize, from: usize },
}

/// The rows of a selection in which each is there once.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rows<'a> {
    From(usize),
    Listed(&'a [u32]),
}

impl Selection<'_> {
    /// The row at a place of the selection.
    pub fn row(self, place: usize) -> usize {
        match self {
            Self::Range { from } => from + place,
            Self::Listed(rows) => rows[place] as usize,
            Self::Copied { rows, copies, from } => {
                let place = (from + place) / copies;
                match rows {
                    Rows::From(first) => first + place,
                    Rows::Listed(rows) => rows[place] as usize,
                }
            }
        }
    }

    /// The selection from a place on.
    pub fn skip(self, places: usize) -> Self {
        match self {
            Self::Range { from } => Self::Range { from: from + places },
            Self::Listed(rows) => Self::Listed(&rows[places..]),
            Self::Copied { rows, copies, from } => Self::Copied { rows, copies, from: from + places },
        }
    }

    /// The selection with each row several times.
    pub fn copied(self, copies: usize) -> Self {
        match self {
            _ if copies == 1 => self,
            Self::Range { from } => Self::Copied { rows: Rows::From(from), copies, from: 0 },
            Self::Listed(rows) => Self::Copied { rows: Rows::Listed(rows), copies, from: 0 },
            Self::Copied { rows, copies: more, from } => {
                Self::Copied { rows, copies: copies * more, from: from * copies }
            }
        }
    }
}
