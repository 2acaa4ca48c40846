"""ONNX of tables as they come: columns prepared, members averaged, outputs in the units of the target."""

import datetime
from itertools import pairwise

import ferroprop as fp
import numpy as np
import onnx
import pandas as pd
import polars as pl
import pytest
from ferroprop import TabularEncoder, TabularMLPClassifier, TabularMLPRegressor
from ferroprop.export import to_c, to_onnx, to_torch
from ferroprop.export._dates import Arrays, date_part
from ferroprop.export._describe import describe
from ferroprop.export._steps import Table, prepared
from ferroprop.export._tabular import merged
from hypothesis import given
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from test_export_onnx import run

QUICK = {"n_members": 3, "max_iter": 4, "hidden_layer_sizes": 8, "random_state": 0}

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::ferroprop.tabular.DataWarning"
)


def table(n=160, seed=0, **more):
    """Return a table with every kind of column, and with gaps."""
    rng = np.random.default_rng(seed)
    start = np.datetime64("2019-11-03T00:00:00", "us")
    frame = pd.DataFrame(
        {
            "width": rng.normal(5, 2, n),
            "far": 1.7e9 + rng.normal(0, 3, n),  # float32 cannot tell these numbers apart
            "large": rng.lognormal(600, 5, n),
            "tiny": rng.exponential(1e-280, n),
            "pair": rng.integers(0, 2, n) * 3.5,
            "few": rng.integers(0, 4, n),
            "flag": rng.random(n) < 0.5,
            "same": 1.0,
            "colour": rng.choice(["red", "green", "deep blue", "ünlü"], n).astype(object),
            "answer": rng.choice(["yes", "no"], n).astype(object),
            "grade": pd.Categorical(rng.integers(1, 5, n)),
            "rare": [f"word {place % 40}" if place % 3 == 0 else "usual" for place in range(n)],
            "when": start + rng.integers(0, 6 * 365 * 86_400 * 10**6, n).astype("timedelta64[us]"),
            "took": rng.integers(0, 10**9, n).astype("timedelta64[ms]"),
            **more,
        }
    )
    for name in ("width", "large", "colour", "answer", "when"):
        frame.loc[rng.random(n) < 0.15, name] = None
    return frame


def unseen(frame):
    """Return the table with cells that training did not have."""
    strange = frame.copy()
    strange.loc[0, "colour"] = "violet"
    strange.loc[1, "answer"] = "perhaps"
    strange.loc[2, "rare"] = "never before"
    strange.loc[3, ["width", "far", "large"]] = [-1e300, 1e300, -0.0]
    strange.loc[4, ["far", "tiny", "few"]] = np.nan
    for row, when in enumerate(
        ("1899-12-31T23:59:59.999999", "2100-03-01", "2000-02-29T12:00", "1970-01-01"), 5
    ):
        strange.loc[row, "when"] = np.datetime64(when, "us")
    return strange


def inputs_of(frame, proto):
    """Return the inputs of a graph as its documentation describes them."""
    inputs = {}
    for one in proto.graph.input:
        column = frame[one.name]
        if one.type.tensor_type.elem_type == onnx.TensorProto.STRING:
            assert one.doc_string == "a category, as text; empty: missing"
            texts = ["" if pd.isna(cell) else str(cell) for cell in column]
            inputs[one.name] = np.array(texts, object)[:, None]
            continue
        if column.dtype.kind == "M":
            assert one.doc_string.startswith("a date: seconds since 1970-01-01")
            whole = column.to_numpy("datetime64[us]")
            column = np.where(np.isnat(whole), np.nan, whole.astype(np.int64) / 1e6)
        elif column.dtype.kind == "m":
            column = column / np.timedelta64(1, "s")
        inputs[one.name] = np.asarray(column, np.float64)[:, None]
    return inputs


def assert_says_the_same(model, frame, inputs=None, tolerance=1e-6):
    proto = model.to_onnx() if hasattr(model, "to_onnx") else to_onnx(model)
    for said in run(proto, inputs_of(frame, proto) if inputs is None else inputs):
        for name, value in said.items():
            if name == "label":
                assert value.tolist() == model.predict(frame).tolist()
                continue
            expected = model.predict(frame) if name == "prediction" else model.predict_proba(frame)
            assert value.dtype == expected.dtype
            assert value.shape == expected.shape
            assert np.isfinite(expected).all()
            largest = np.abs(expected).max(axis=0)
            assert (np.ptp(expected, axis=0) > 1e-4 * largest).all()  # a constant would do otherwise
            assert (np.abs(value - expected) <= tolerance * largest).all()
    return proto


def two_classes(frame):
    return np.where(frame["width"].fillna(4) + frame["few"] > 6, "b", "a")


# ---- estimators --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["linear", "piecewise_linear", "periodic", "auto", "both+fine+values"])
def test_classifiers(encoding):
    frame = table()
    y = (frame["few"] + 2 * (frame["colour"] == "red")).to_numpy() % 3
    model = TabularMLPClassifier(numeric_encoding=encoding, **QUICK).fit(frame, y)
    proto = assert_says_the_same(model, unseen(frame))
    assert [one.name for one in proto.graph.output] == ["label", "probabilities"]
    assert {node.op_type for node in proto.graph.node}.isdisjoint({"ZipMap"})
    names = [one.name for one in proto.graph.input]
    assert names == [name for name in frame.columns if name != "same"]


def test_labels_of_two_classes_are_texts():
    frame = table()
    model = TabularMLPClassifier(**QUICK).fit(frame, two_classes(frame))
    proto = assert_says_the_same(model, unseen(frame))
    assert proto.graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.STRING


@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("unit", [1.0, 1e-300])
def test_regressors(unit, n_outputs):
    frame = table()
    y = unit * (7 + frame["width"].fillna(4) + np.where(frame["answer"] == "yes", 2.0, 0.0))
    targets = y.to_numpy() if n_outputs == 1 else np.stack([y, -1e-3 * frame["few"]], axis=1)
    model = TabularMLPRegressor(**QUICK | {"max_iter": 30}).fit(frame, targets)
    proto = assert_says_the_same(model, unseen(frame))
    assert [one.name for one in proto.graph.output] == ["prediction"]


def test_predictions_stay_in_the_range_of_the_target():
    """The far columns lie where every member's output is beyond the largest target."""
    x = np.linspace(0, 1, 200)
    model = TabularMLPRegressor(numeric_encoding="linear", **QUICK | {"max_iter": 60}).fit(x[:, None], 5 * x)
    rows = np.array([[-1e6], [0.5], [1e6]])
    (first, *_) = [said["prediction"] for said in run(model.to_onnx(), {"X": rows})]
    np.testing.assert_allclose(first, model.predict(rows), rtol=1e-6)
    assert first.min() >= 0.0
    assert first.max() <= 5.0


def test_a_table_of_numbers_without_names_is_one_input():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 4))
    X[rng.random(X.shape) < 0.1] = np.nan
    model = TabularMLPRegressor(**QUICK).fit(X, np.nan_to_num(X[:, 0]))
    assert_says_the_same(model, X, {"X": X})


def test_numbers_that_are_categories_are_texts():
    X = np.random.default_rng(0).integers(0, 5, (150, 2)) / 2
    model = TabularMLPRegressor(categorical_features=[1], **QUICK).fit(X, X.sum(axis=1))
    texts = np.array([[str(int(x) if x == int(x) else x)] for x in X[:, 1]], object)
    assert set(texts.ravel()) == {"0", "0.5", "1", "1.5", "2"}
    assert_says_the_same(model, X, {"x0": X[:, :1], "x1": texts})


def test_the_library_of_the_table_does_not_matter():
    frame = table()
    y = frame["width"].fillna(4).to_numpy()
    frame["grade"] = frame["grade"].astype(str)
    of_pandas = TabularMLPRegressor(**QUICK).fit(frame, y).to_onnx()
    of_polars = TabularMLPRegressor(**QUICK).fit(pl.from_pandas(frame), y).to_onnx()
    assert of_pandas.SerializeToString() == of_polars.SerializeToString()


def test_a_single_member():
    frame = table()
    assert_says_the_same(
        TabularMLPClassifier(**QUICK | {"n_members": 1}).fit(frame, two_classes(frame)), frame
    )


def test_an_empty_text_is_a_level_where_training_had_it():
    frame = table(level=np.resize(["", "x", "y"], 160))
    model = TabularMLPRegressor(**QUICK).fit(frame, frame["level"].map({"": 0.0, "x": 1.0, "y": 2.0}))
    assert_says_the_same(model, frame)
    frame.loc[::7, "level"] = None
    model.fit(frame, frame["width"].fillna(4))
    with pytest.raises(ValueError, match="column 'level' has both an empty text and missing values"):
        model.to_onnx()


def test_what_has_no_graph(tmp_path):
    path = tmp_path / "model.onnx"
    with pytest.raises(ValueError, match="this TabularMLPRegressor is not fitted yet"):
        TabularMLPRegressor().to_onnx(path)
    X, y = np.ones((20, 2)), np.arange(20.0)
    with pytest.raises(ValueError, match="no column to predict from"):
        TabularMLPRegressor(**QUICK).fit(X, y).to_onnx(path)
    frame = table()
    model = TabularMLPRegressor(**QUICK).fit(frame, frame["few"])
    with pytest.raises(ValueError, match="opset must be from 13"):
        model.to_onnx(path, opset=12)
    for export in (to_c, to_torch):
        with pytest.raises(TypeError, match="exported to ONNX alone, got TabularMLPRegressor"):
            export(model)
    assert not any(tmp_path.iterdir())
    model.to_onnx(path)
    assert path.read_bytes() == model.to_onnx().SerializeToString()


def test_the_graph_does_not_grow_with_the_columns():
    """Columns of numbers go through the same nodes, side by side."""
    rng = np.random.default_rng(0)
    sizes = []
    for n_columns in (3, 40):
        X = rng.normal(size=(100, n_columns))
        model = TabularMLPRegressor(numeric_encoding="both", **QUICK).fit(X, X[:, 0])
        sizes.append(len(model.to_onnx().graph.node))
    assert sizes[0] == sizes[1]


# ---- pipelines ---------------------------------------------------------------------------------------------


def test_pipelines_with_the_encoder():
    frame = table()
    y = two_classes(frame)
    network = fp.MLPClassifier(hidden_layer_sizes=4, max_iter=20, random_state=0)
    assert_says_the_same(make_pipeline(TabularEncoder(), network).fit(frame, y), unseen(frame))
    scaled = make_pipeline(TabularEncoder("linear"), StandardScaler(), network)
    assert_says_the_same(scaled.fit(frame, y), unseen(frame))
    parts = ColumnTransformer(
        [("dates", TabularEncoder(), ["when", "colour"]), ("numbers", "passthrough", ["few", "pair"])]
    )
    assert_says_the_same(make_pipeline(parts, network).fit(frame, y), unseen(frame).fillna({"few": 0}))


def test_a_target_in_its_own_units():
    frame = table()
    model = make_pipeline(
        TabularEncoder(),
        TransformedTargetRegressor(
            fp.MLPRegressor(hidden_layer_sizes=4, max_iter=30, random_state=0), transformer=StandardScaler()
        ),
    ).fit(frame, 100 + 5 * frame["width"].fillna(4))
    assert_says_the_same(model, unseen(frame))


def test_an_ensemble_whose_target_another_scaler_scales():
    frame = table()
    model = TransformedTargetRegressor(TabularMLPRegressor(**QUICK), transformer=StandardScaler())
    assert_says_the_same(model.fit(frame, 100 + 5 * frame["width"].fillna(4)), unseen(frame))
    steps = make_pipeline("passthrough", TabularMLPRegressor(**QUICK))
    assert_says_the_same(steps.fit(frame, 100 + 5 * frame["width"].fillna(4)), unseen(frame))


def test_an_encoder_of_changed_columns_is_refused():
    X = np.random.default_rng(0).normal(size=(40, 2))
    model = make_pipeline(
        StandardScaler(), TabularEncoder(), fp.MLPRegressor(hidden_layer_sizes=2, max_iter=2)
    ).fit(X, X[:, 0])
    with pytest.raises(
        ValueError, match="step 'tabularencoder': TabularEncoder of what other steps have changed"
    ):
        to_onnx(model)
    with pytest.raises(
        TypeError, match="what TabularEncoder prepares is exported to ONNX alone, got Pipeline"
    ):
        to_c(
            make_pipeline(TabularEncoder(), fp.MLPRegressor(hidden_layer_sizes=2, max_iter=2)).fit(X, X[:, 0])
        )


# ---- the operations ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["both", "both+fine+values"])
def test_the_description_has_the_numbers_of_the_encoder(encoding):
    """The plain arithmetic of a description, and its order of inputs, are those of the encoder."""
    frame = table()
    encoder = TabularEncoder(encoding).fit(frame)
    strange = unseen(frame)
    cells = {name: strange[name] for name in frame}
    cells["when"] = strange["when"].to_numpy("datetime64[us]").astype(np.int64) / 1e6
    cells["when"] = np.where(strange["when"].isna(), np.nan, cells["when"])
    cells["took"] = strange["took"] / np.timedelta64(1, "s")
    cells["grade"] = strange["grade"].astype(str)
    rows = list(zip(*cells.values(), strict=True))
    preparation = prepared(encoder, Table.of(len(frame.columns), list(frame)))
    expected = encoder.transform(strange)
    np.testing.assert_allclose(preparation.apply(rows), expected, rtol=0, atol=1e-6)
    side_by_side, order = merged(preparation)
    assert sorted(order) == list(range(expected.shape[1]))
    assert order != sorted(order)
    np.testing.assert_allclose(side_by_side.apply(rows), expected[:, order], rtol=0, atol=1e-6)
    assert len(side_by_side.blocks) < len(preparation.blocks) / 2


@given(st.datetimes(datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31)))
def test_parts_of_a_date(when):
    seconds = (when - datetime.datetime(1970, 1, 1)) / datetime.timedelta(seconds=1)
    midnight = when.replace(hour=0, minute=0, second=0, microsecond=0)
    part = {name: float(date_part(Arrays(), seconds, name)) for name in ("year", "day", "weekday", "time")}
    assert part["year"] == when.timetuple().tm_yday - 1
    assert part["day"] == when.day - 1
    assert part["weekday"] == when.weekday()
    assert part["time"] == pytest.approx((when - midnight) / datetime.timedelta(days=1), abs=1e-9)


def test_every_day_of_eight_centuries():
    days = np.arange(np.datetime64("1600-01-01"), np.datetime64("2400-01-01"))
    seconds = days.astype("datetime64[s]").astype(np.float64)
    in_month = (days - days.astype("datetime64[M]")).astype(float)
    in_year = (days - days.astype("datetime64[Y]")).astype(float)
    np.testing.assert_array_equal(date_part(Arrays(), seconds, "day"), in_month)
    np.testing.assert_array_equal(date_part(Arrays(), seconds, "year"), in_year)


def test_members_share_their_order():
    """Each member's first layer has its rows in the order of the merged preparation."""
    frame = table()
    model = TabularMLPRegressor(**QUICK).fit(frame, frame["few"])
    described = describe(model, tables=True)
    assert len(described.networks) == 3
    for layers, network in zip(described.networks, model.members_, strict=True):
        assert not np.array_equal(layers[0].weights, network.weights[0])
        assert sorted(map(tuple, layers[0].weights)) == sorted(map(tuple, network.weights[0]))
    assert all(
        not np.array_equal(one[0].weights, other[0].weights) for one, other in pairwise(described.networks)
    )
