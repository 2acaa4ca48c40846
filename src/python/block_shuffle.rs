//! `ferroprop.BlockShuffle`.

use pyo3::prelude::*;
use pyo3::types::PyType;

use super::arguments::count;

/// A random order of rows that reads them in long runs, for rows that do not fit in memory.
///
/// The rows are cut into blocks of ``block_rows``, neighbours each. A buffer takes at most ``buffer_blocks`` blocks, its rows are put
/// in random order, and mini-batches are taken from these. So a disk is asked for
/// whole blocks, and no more rows have to be in memory than two buffers have. The order follows from the seed and the epoch
/// alone, and a training has the same bits whether its rows are in memory or on disk.
///
/// There are as many buffers as there must be, of equal sizes. Each takes one block of each of as many stretches of equal
/// length, from the first rows to the last, and which one is drawn anew in each epoch: a stratified sample. So the batches of rows that are sorted
/// by class have the shares of the classes that all rows have, if a buffer has more blocks than there are classes. A full batch is not shuffled. Objects are equal if their numbers are.
///
/// Parameters
/// ----------
/// block_rows : int, default=1024
///     Rows of a block; the last block may have fewer.
/// buffer_blocks : int, default=64
///     Blocks whose rows are mixed with each other.
///
/// Raises
/// ------
/// ValueError
///     If a number is not positive.
/// TypeError
///     If a number is no integer.
///
/// See Also
/// --------
/// train : Its ``shuffle`` takes such an object, or "blocks" for one with these defaults.
///
/// References
/// ----------
/// L. Xu et al., "In-database machine learning with CorgiPile: stochastic gradient descent without full data shuffle", SIGMOD
/// 2022: random blocks, and rows in random order within a buffer of blocks. There the blocks of a buffer may lie anywhere; that
/// they are spread evenly is stratified sampling (W. G. Cochran, Sampling Techniques, 3rd ed., 1977, chapter 5).
///
/// Examples
/// --------
/// >>> import numpy as np
/// >>> import ferroprop as fp
/// >>> X = np.linspace(-1, 1, 5000)[:, None]
/// >>> net = fp.Network([1, 8, 1], activation="tanh", seed=0)
/// >>> shuffle = fp.BlockShuffle(block_rows=100, buffer_blocks=10)
/// >>> history = fp.train(net, X, X**2, optimizer="adam", batch_size=50, shuffle=shuffle, epochs=20)
/// >>> history.loss[-1] < history.loss[0] / 2
/// True
#[pyclass(frozen, eq, hash, module = "ferroprop")]
#[derive(PartialEq, Eq, Hash)]
pub(super) struct BlockShuffle(pub(super) crate::BlockShuffle);

#[pymethods]
impl BlockShuffle {
    #[new]
    #[pyo3(signature = (block_rows = None, buffer_blocks = None), text_signature = "(block_rows=1024, buffer_blocks=64)")]
    fn new(
        block_rows: Option<&Bound<'_, PyAny>>,
        buffer_blocks: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let usual = crate::BlockShuffle::default();
        let number = |name, value: Option<&Bound<'_, PyAny>>, usual| {
            value.map_or(Ok(usual), |value| count(name, value))
        };
        let scheme = crate::BlockShuffle {
            block_rows: number("block_rows", block_rows, usual.block_rows)?,
            buffer_blocks: number("buffer_blocks", buffer_blocks, usual.buffer_blocks)?,
        };
        scheme.check()?;
        Ok(Self(scheme))
    }

    /// Rows of a block.
    #[getter]
    fn block_rows(&self) -> usize {
        self.0.block_rows
    }

    /// Blocks whose rows are mixed with each other.
    #[getter]
    fn buffer_blocks(&self) -> usize {
        self.0.buffer_blocks
    }

    fn __repr__(&self) -> String {
        let crate::BlockShuffle { block_rows, buffer_blocks } = self.0;
        format!("BlockShuffle(block_rows={block_rows}, buffer_blocks={buffer_blocks})")
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyType>, (usize, usize)) {
        (py.get_type::<Self>(), (self.0.block_rows, self.0.buffer_blocks))
    }
}
