"""Tables to arrays in files: values, kinds of columns, bad input, interruption, memory."""

import json
import sys

import ferroprop as fp
import numpy as np
import pytest
from children import in_a_process
from ferroprop.io import MappedRows, memmap_from_array, memmap_from_parquet
from ferroprop.io._memory import available_memory
from sklearn.preprocessing import StandardScaler

pa = pytest.importorskip("pyarrow", reason="Parquet is read by pyarrow, which is not installed")
import pyarrow.parquet as pq  # noqa: E402

ROWS = 5_000


def columns():
    random = np.random.default_rng(0)
    return {
        "size": random.normal(size=ROWS),
        "count": random.integers(-5, 100, ROWS),
        "small": random.integers(0, 200, ROWS).astype(np.uint8),
        "is_new": random.random(ROWS) < 0.3,
        "single": random.normal(size=ROWS).astype(np.float32),
        "price": random.normal(size=ROWS) * 10,
        "kind": np.array(["b", "c", "a"])[random.integers(0, 3, ROWS)],
    }


@pytest.fixture
def path(tmp_path):
    """Return a Parquet file of several row groups."""
    pq.write_table(pa.table(columns()), tmp_path / "table.parquet", row_group_size=700)
    return tmp_path / "table.parquet"


FEATURES = ["size", "count", "small", "is_new", "single"]


def matrix(dtype=np.float32):
    table = columns()
    return np.column_stack([table[name].astype(dtype) for name in FEATURES])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_of_all_kinds(path, tmp_path, dtype):
    rows = memmap_from_parquet(path, FEATURES, target="price", directory=tmp_path / "rows", dtype=dtype)
    assert isinstance(rows.X, np.memmap)
    assert rows.X.dtype == dtype
    assert rows.X.flags.c_contiguous
    assert not rows.X.flags.writeable
    assert np.array_equal(rows.X, matrix(dtype))
    assert np.array_equal(rows.y, columns()["price"].astype(dtype))
    assert (rows.feature_names, rows.target, rows.classes) == (FEATURES, "price", None)
    again = MappedRows.load(tmp_path / "rows")
    assert np.array_equal(again.X, rows.X)
    assert np.array_equal(again.y, rows.y)
    assert (again.feature_names, again.target, again.classes) == (FEATURES, "price", None)
    names = sorted(file.name for file in (tmp_path / "rows").iterdir())
    assert names == ["X.npy", "rows.json", "y.npy"]


def test_targets_keep_their_kind(path, tmp_path):
    table = columns()
    for name, expected in [
        ("kind", np.searchsorted(["a", "b", "c"], table["kind"])),
        ("count", table["count"]),
        ("is_new", table["is_new"]),
    ]:
        rows = memmap_from_parquet(path, ["size"], target=name, directory=tmp_path / name)
        assert rows.y.dtype == expected.dtype
        assert np.array_equal(rows.y, expected)
        assert rows.classes == (["a", "b", "c"] if name == "kind" else None)
    two = memmap_from_parquet(path, ["size"], target=["price", "count"], directory=tmp_path / "two")
    expected = np.column_stack([table["price"].astype(np.float32), table["count"]])
    assert two.target == ["price", "count"]
    assert np.array_equal(two.y, expected)
    none = memmap_from_parquet(path, FEATURES, directory=tmp_path / "none")
    assert none.y is None
    assert MappedRows.load(tmp_path / "none").y is None


def test_dictionaries_and_decimals(tmp_path):
    words = pa.array(["no", "yes", "no", "maybe"]).dictionary_encode()
    numbers = pa.array([3, 1, 3, 2]).dictionary_encode()
    decimals = pa.array(["1.50", "2.25", "-3.00", "0.00"]).cast(pa.decimal128(6, 2))
    pq.write_table(pa.table({"n": numbers, "d": decimals, "w": words}), tmp_path / "t.parquet")
    rows = memmap_from_parquet(tmp_path / "t.parquet", target="w", directory=tmp_path / "rows")
    assert rows.X.tolist() == [[3, 1.5], [1, 2.25], [3, -3], [2, 0]]
    assert (rows.y.tolist(), rows.classes) == ([1, 2, 1, 0], ["maybe", "no", "yes"])


def test_several_files_are_one_table(tmp_path):
    table = pa.table(columns())
    (tmp_path / "parts" / "b").mkdir(parents=True)
    pq.write_table(table.slice(0, 3000), tmp_path / "parts" / "a.parquet")
    pq.write_table(table.slice(3000), tmp_path / "parts" / "b" / "c.parquet")
    (tmp_path / "parts" / "notes.txt").write_text("not a table")
    rows = memmap_from_parquet(tmp_path / "parts", FEATURES, target="kind", directory=tmp_path / "one")
    assert np.array_equal(rows.X, matrix())
    listed = [tmp_path / "parts" / "a.parquet", tmp_path / "parts" / "b"]
    rows = memmap_from_parquet(listed, FEATURES, target="kind", directory=tmp_path / "two")
    assert np.array_equal(rows.X, matrix())
    changed = table.slice(3000).set_column(0, "size", pa.array(["x"] * (ROWS - 3000)))
    pq.write_table(changed, tmp_path / "parts" / "b" / "c.parquet")
    with pytest.raises(ValueError, match=r"of 'size' it has type double, and c.parquet type string"):
        memmap_from_parquet(tmp_path / "parts", FEATURES, directory=tmp_path / "three")
    pq.write_table(table.slice(3000).drop_columns(["size"]), tmp_path / "parts" / "b" / "c.parquet")
    with pytest.raises(ValueError, match=r"and c.parquet none"):
        memmap_from_parquet(tmp_path / "parts", FEATURES, directory=tmp_path / "three")
    assert not (tmp_path / "three" / "X.npy").exists()


def test_a_transformer_is_fitted_block_by_block(path, tmp_path):
    scaler = StandardScaler()
    rows = memmap_from_parquet(
        path, FEATURES, directory=tmp_path / "rows", dtype="float64", transformer=scaler
    )
    whole = StandardScaler().fit(matrix(np.float64))
    assert scaler.n_samples_seen_ == ROWS
    np.testing.assert_allclose(scaler.mean_, whole.mean_, atol=1e-12)
    np.testing.assert_allclose(rows.X, whole.transform(matrix(np.float64)), atol=1e-12)


def test_a_transformer_forgets_what_it_knew(path, tmp_path):
    expected = StandardScaler()
    rows = memmap_from_parquet(path, FEATURES, directory=tmp_path / "a", transformer=expected)
    scaler = StandardScaler().fit(np.full((9, 5), 1000.0))
    before = scaler.mean_.tolist()
    pq.write_table(pa.table({"size": [1.0, None]}), tmp_path / "bad.parquet")
    with pytest.raises(ValueError, match="columns must have no missing numbers"):
        memmap_from_parquet(tmp_path / "bad.parquet", directory=tmp_path / "b", transformer=scaler)
    assert scaler.mean_.tolist() == before  # a call that fails changes nothing
    again = memmap_from_parquet(path, FEATURES, directory=tmp_path / "b", transformer=scaler)
    assert np.array_equal(rows.X, again.X)
    assert np.array_equal(scaler.mean_, expected.mean_)


def test_missing_numbers_are_filled_if_that_is_wished(tmp_path):
    table = pa.table({"a": pa.array([1.0, None, float("nan")]), "b": pa.array([None, 2, 3], pa.int64())})
    pq.write_table(table, tmp_path / "t.parquet")
    rows = memmap_from_parquet(tmp_path / "t.parquet", directory=tmp_path / "rows", fill_value=-1)
    assert rows.X.tolist() == [[1, -1], [-1, 2], [-1, 3]]
    with pytest.raises(ValueError, match=r"got one in 'a' in row 1: give a fill_value"):
        memmap_from_parquet(tmp_path / "t.parquet", directory=tmp_path / "other")
    with pytest.raises(ValueError, match=r"got one in 'b' in row 0"):
        memmap_from_parquet(tmp_path / "t.parquet", ["b"], directory=tmp_path / "other")
    with pytest.raises(ValueError, match=r"target must have no missing values, got one in 'b' in row 0"):
        memmap_from_parquet(tmp_path / "t.parquet", ["a"], target="b", directory=tmp_path / "x", fill_value=0)


def written(folder, **values):
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table(values), folder / "bad.parquet")
    return folder / "bad.parquet"


def test_bad_columns_are_named(path, tmp_path):
    out = {"directory": tmp_path / "rows"}
    dates = written(tmp_path, when=pa.array([0, 1], pa.timestamp("us")), x=[1.0, 2.0])
    for arguments, message in [
        ((path, ["size", "kind"]), "columns must hold numbers or booleans, got 'kind' of type .*string"),
        ((dates,), "got 'when' of type timestamp"),
        ((path, ["sise"]), r"columns must be columns of table.parquet, got 'sise'; did you mean 'size'\?"),
        ((path, ["size", "size"]), "columns must be different names, without the target, got 'size'"),
        (
            (written(tmp_path / "a", x=[1.0, float("inf")]),),
            "columns must hold finite numbers, got inf in 'x' in row 1",
        ),
        (
            (written(tmp_path / "b", x=[1.0, 1e300]),),
            "numbers that float32 can hold, got 1e\\+300 in 'x' in row 1",
        ),
        ((written(tmp_path / "c", x=pa.array([], pa.float64())),), "at least one row, got none"),
        ((path, []), "at least one column to learn from, got none"),
    ]:
        with pytest.raises(ValueError, match=message):
            memmap_from_parquet(*arguments, **out)
    for target, message in [
        ("when", "target must hold numbers, booleans or text, got 'when' of type timestamp"),
        ("x", "columns must be different names, without the target, got 'x'"),
        ("z", "target must be columns of bad.parquet, got 'z'"),
    ]:
        with pytest.raises(ValueError, match=message):
            memmap_from_parquet(dates, ["x"], target=target, **out)
    with pytest.raises(ValueError, match="target must be one column or several of numbers, got 'kind'"):
        memmap_from_parquet(path, ["size"], target=["kind", "price"], **out)
    assert not (tmp_path / "rows" / "rows.json").exists()


def test_other_bad_arguments(path, tmp_path):
    out = {"directory": tmp_path / "rows"}
    (tmp_path / "text.parquet").write_text("size,price\n1,2\n")
    (tmp_path / "empty").mkdir()
    for kind, arguments, message in [
        (FileNotFoundError, {"path": tmp_path / "no.parquet"}, "path must be a Parquet file or a directory"),
        (ValueError, {"path": tmp_path / "text.parquet"}, "path must be a Parquet file, got .*text.parquet"),
        (ValueError, {"path": tmp_path / "empty"}, "a directory of files .*got .*empty without any"),
        (ValueError, {"path": []}, "path must be at least one Parquet file, got none"),
        (TypeError, {"columns": "size"}, "columns must be a sequence of names, got the text 'size'"),
        (ValueError, {"dtype": "float16"}, "dtype must be 'float32' or 'float64', got 'float16'"),
        (ValueError, {"fill_value": float("nan")}, "fill_value must be a finite number"),
        (ValueError, {"fill_value": "0"}, "fill_value must be a finite number .*, got '0'"),
        (ValueError, {"fill_value": True}, "fill_value must be a finite number .*, got True"),
        (ValueError, {"dtype": None}, "dtype must be 'float32' or 'float64', got None"),
        (ValueError, {"dtype": "foo"}, "dtype must be 'float32' or 'float64', got 'foo'"),
        (TypeError, {"path": 3}, "path must be a path or a sequence of paths, got 3"),
        (TypeError, {"directory": 3}, "directory must be a path, got int"),
        (TypeError, {"columns": 3}, "columns must be a sequence of names, got int"),
        (TypeError, {"target": 3}, "target must be a sequence of names, got int"),
        (ValueError, {"target": ["price", "price"]}, "target must be different names, got"),
        (TypeError, {"overwrite": "no"}, "overwrite must be True or False, got 'no'"),
        (TypeError, {"transformer": 3}, "transformer must be an object with partial_fit .* got int"),
        (
            TypeError,
            {"transformer": StandardScaler},
            "with partial_fit and transform, got the class Standard",
        ),
        (TypeError, {"progress": 3}, "progress must be True, False or a function, got int"),
    ]:
        with pytest.raises(kind, match=message):
            memmap_from_parquet(**{"path": path, "columns": FEATURES, **out, **arguments})
    memmap_from_parquet(path, FEATURES, **out)
    with pytest.raises(FileExistsError, match="directory must have no rows of an earlier conversion"):
        memmap_from_parquet(path, FEATURES, **out)
    assert memmap_from_parquet(path, ["size"], overwrite=True, **out).X.shape == (ROWS, 1)


def test_progress_is_told(path, tmp_path, capsys):
    seen = []
    out = {"target": "kind", "transformer": StandardScaler()}
    memmap_from_parquet(
        path,
        FEATURES,
        directory=tmp_path / "a",
        progress=lambda done, total: seen.append((done, total)),
        **out,
    )
    assert seen.count((ROWS, ROWS)) == 3  # fitting the transformer, X, y
    assert {total for _, total in seen} == {ROWS}
    memmap_from_parquet(path, FEATURES, directory=tmp_path / "b", progress=True, **out)
    assert "writing X: 5,000 of 5,000 rows\n" in capsys.readouterr().err


def test_an_interruption_leaves_nothing_that_looks_whole(path, tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    folder = tmp_path / "rows"
    with pytest.raises(KeyboardInterrupt):
        memmap_from_parquet(path, ["size"], directory=folder, progress=interrupt)
    assert list(folder.iterdir()) == []
    with pytest.raises(FileNotFoundError):
        MappedRows.load(folder)
    memmap_from_parquet(path, FEATURES, target="price", directory=folder)
    # what was there before stays as it was, whole
    with pytest.raises(KeyboardInterrupt):
        memmap_from_parquet(path, ["size"], directory=folder, overwrite=True, progress=interrupt)
    bad = {**columns(), "price": [None] + [1.0] * (ROWS - 1)}
    pq.write_table(pa.table(bad), tmp_path / "bad.parquet")
    with pytest.raises(ValueError, match="target must have no missing values, got one in 'price' in row 0"):
        memmap_from_parquet(
            tmp_path / "bad.parquet", ["size"], target="price", directory=folder, overwrite=True
        )
    assert sorted(file.name for file in folder.iterdir()) == ["X.npy", "rows.json", "y.npy"]
    assert np.array_equal(MappedRows.load(folder).X, matrix())
    memmap_from_parquet(path, ["size"], directory=folder, overwrite=True)
    assert sorted(file.name for file in folder.iterdir()) == ["X.npy", "rows.json"]
    memmap_from_parquet(path, FEATURES, target="price", directory=folder, overwrite=True)
    np.save(folder / "X.npy", np.zeros((3, 5), np.float32))
    with pytest.raises(ValueError, match=r"are not those that rows.json describes"):
        MappedRows.load(folder)
    (folder / "rows.json").write_text("[]")
    with pytest.raises(ValueError, match="is not a description of rows"):
        MappedRows.load(folder)


def test_an_array_in_another_type(tmp_path):
    whole = np.arange(60, dtype=np.int64).reshape(20, 3)
    np.save(tmp_path / "whole.npy", whole)
    for given in (np.load(tmp_path / "whole.npy", mmap_mode="r"), np.asfortranarray(whole)):
        mapped = memmap_from_array(given, tmp_path / "X.npy", dtype="float64")
        assert isinstance(mapped, np.memmap)
        assert mapped.flags.c_contiguous
        assert np.array_equal(mapped, whole.astype(np.float64))
    with pytest.raises(ValueError, match=r"numbers that float32 can hold, got 1e\+300 at \[1, 0\]"):
        memmap_from_array(np.array([[1.0], [1e300]]), tmp_path / "Y.npy")
    assert not (tmp_path / "Y.npy").exists()
    with pytest.raises(TypeError, match="array must be of real numbers or booleans, got dtype"):
        memmap_from_array(np.array(["a"]), tmp_path / "Y.npy")
    with pytest.raises(ValueError, match=r"at least one dimension, got shape \(\)"):
        memmap_from_array(np.float32(1), tmp_path / "Y.npy")


@pytest.mark.parametrize(
    ("numbers", "dtype", "wrong"),
    [
        ([1.0, 300.0], "int8", "300.0"),
        ([1.0, np.nan], "int64", "nan"),
        ([1.0, 2.0**63], "int64", "9.2"),
        ([1, 70_000], "float16", "70000"),
        ([1, -1], "uint64", "-1"),
        ([1, 300], "uint8", "300"),
    ],
)
def test_numbers_that_the_other_type_cannot_hold(tmp_path, numbers, dtype, wrong):
    with pytest.raises(
        ValueError, match=rf"array must hold numbers that {dtype} can hold, got {wrong}.* \[1"
    ):
        memmap_from_array(np.array(numbers), tmp_path / "X.npy", dtype=dtype)
    assert list(tmp_path.iterdir()) == []


def test_other_types_hold_what_they_can(tmp_path):
    for numbers, dtype in (
        ([-128.9, 127.5], "int8"),
        ([-(2.0**63)], "int64"),
        ([True, False], "uint8"),
        ([0, 3], bool),
        ([np.inf, np.nan], "float16"),
        ([2**60 + 1], "float64"),
    ):
        array = np.array(numbers)
        mapped = memmap_from_array(array, tmp_path / "X.npy", dtype=dtype)
        assert np.array_equal(mapped, array.astype(dtype), equal_nan=mapped.dtype.kind == "f")
    for array, dtype, message in (
        (np.ma.array([1.0, 2.0], mask=[0, 1]), "float32", "array must be an array without a mask"),
        (np.zeros(2), "foo", "dtype must be a type of real numbers or booleans, got 'foo'"),
    ):
        with pytest.raises(TypeError, match=message):
            memmap_from_array(array, tmp_path / "X.npy", dtype=dtype)


def test_a_fit_reads_what_was_converted(path, tmp_path):
    rows = memmap_from_parquet(path, FEATURES, target="kind", directory=tmp_path / "rows")
    settings = {"solver": "rprop", "max_iter": 30, "tol": 0.0, "random_state": 0, "early_stopping": True}
    mapped = fp.MLPClassifier(hidden_layer_sizes=(5,), **settings).fit(rows.X, rows.y)
    plain = fp.MLPClassifier(hidden_layer_sizes=(5,), **settings).fit(matrix(), np.array(rows.y))
    assert all(np.array_equal(*pair) for pair in zip(mapped.coefs_, plain.coefs_, strict=True))


CHILD = """
import json, resource
from pathlib import Path
from ferroprop.io import memmap_from_parquet
import pyarrow.parquet

def allocated():
    return int(Path("/proc/self/status").read_text().partition("VmData:")[2].split()[0]) * 1024

memmap_from_parquet({small!r}, directory={folder!r} + "/small")  # what is loaded once, is loaded
most = allocated() + {room}
resource.setrlimit(resource.RLIMIT_DATA, (most, most))
rows = memmap_from_parquet({path!r}, target="c0", directory={folder!r} + "/large")
print(json.dumps([*rows.X.shape, float(rows.X.sum()), float(rows.y.sum())]))
"""


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="needs Linux, where RLIMIT_DATA holds for all allocations"
)
def test_memory_is_constant_whatever_the_row_groups_are(tmp_path):
    """One row group of 160 MB is converted by a process that may allocate 80 MB."""
    random = np.random.default_rng(0)
    table = {f"c{i}": random.integers(0, 100, 1_000_000).astype(np.float64) for i in range(20)}
    sums = [float(values.sum()) for values in table.values()]
    pq.write_table(pa.table(table), tmp_path / "large.parquet", row_group_size=1_000_000)
    pq.write_table(pa.table(table).slice(0, 1000), tmp_path / "small.parquet")
    del table
    names = {"path": str(tmp_path / "large.parquet"), "small": str(tmp_path / "small.parquet")}
    code = CHILD.format(folder=str(tmp_path), room=80 << 20, **names)
    *shape, total, target = in_a_process(code, OMP_NUM_THREADS="1", ARROW_NUM_THREADS="1")
    assert shape == [1_000_000, 19]
    assert (total, target) == (pytest.approx(sum(sums[1:]), rel=1e-4), pytest.approx(sums[0], rel=1e-4))
    assert json.loads((tmp_path / "large" / "rows.json").read_text())["target"] == "c0"


def test_available_memory_is_below_what_there_is():
    size = available_memory()
    assert size is None or 1 << 20 < size < 1 << 50
