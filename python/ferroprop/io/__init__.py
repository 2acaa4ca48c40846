"""Tables larger than memory: from Parquet to arrays in files, of which trainings read rows where they are.

=========== ===================================================================
`_parquet`  `memmap_from_parquet`: Parquet files to arrays, block by block
`_array`    `memmap_from_array`: an array in another type, block by block
`_mapped`   `MappedRows`: the arrays, and what their columns are
`_columns`  columns of a block as numbers
`_target`   the column to predict
`_source`   Parquet files, read block by block
`_npy`      arrays that are written to a file row by row
`_progress` how far a conversion is
`_memory`   how much memory there is
=========== ===================================================================
"""

from ferroprop.io._array import memmap_from_array
from ferroprop.io._mapped import MappedRows
from ferroprop.io._parquet import memmap_from_parquet

__all__ = ["MappedRows", "memmap_from_array", "memmap_from_parquet"]
