"""``ferroprop export``: what it writes predicts as the model does."""

import json
import subprocess
from pathlib import Path

import ferroprop as fp
import numpy as np
import polars as pl
import pytest
from command_line import PENGUINS, complaint, succeed
from ferroprop.cli import load_model
from ferroprop.export import from_json

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    quick = ("--epochs", "3", "--hidden", "4", "--quiet")
    for name, target in (("species", "species"), ("mass", "body_mass_g")):
        saved = folder / f"{name}.skops"
        succeed("train", PENGUINS, "--target", target, "--model", "mlp", *quick, "--save", saved)
    fp.Network([3, 4, 2], activation="tanh", seed=1).save(folder / "net.safetensors")
    return folder


@pytest.mark.parametrize("name", ["species", "mass"])
def test_a_model_goes_to_onnx(folder: Path, name: str):
    told = json.loads(succeed("export", folder / f"{name}.skops", "--to", "onnx", "--json").stdout)
    path = Path(told["path"])
    assert path == folder / f"{name}.onnx"
    assert told["bytes"] == path.stat().st_size
    session = onnxruntime.InferenceSession(path.read_bytes())
    model = load_model(folder / f"{name}.skops")
    names = {one.name for one in session.get_inputs()}
    assert names <= set(model.feature_names_in_) | {"X"}
    outputs = {one.name for one in session.get_outputs()}
    assert outputs == ({"label", "probabilities"} if name == "species" else {"prediction"})


@pytest.fixture(scope="module")
def flats(tmp_path_factory) -> Path:
    """Return a table with a column of each kind, and gaps."""
    rng = np.random.default_rng(0)
    lines = ["area,district,built,balcony,price"]
    for _ in range(120):
        area, district = rng.uniform(30, 120), rng.choice(["Mitte", "Wedding", "Tegel"])
        day = np.datetime64("1950-01-01") + rng.integers(0, 25_000)
        cells = [f"{area:.1f}", str(district), str(day), str(rng.choice(["true", "false"]))]
        cells[int(rng.integers(0, 4))] = ""
        lines.append(",".join([*cells, f"{3000 * area:.0f}"]))
    path = tmp_path_factory.mktemp("flats") / "flats.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("target", ["price", "district"])
def test_the_usual_model_goes_to_onnx_with_its_table(flats: Path, target: str, tmp_path: Path):
    model, path = tmp_path / "flats.skops", tmp_path / "flats.onnx"
    succeed("train", flats, "--target", target, "--members", "2", "--epochs", "3", "--quiet", "--save", model)
    succeed("export", model, "--to", "onnx")
    rows = json.loads(succeed("predict", model, flats, "--json").stdout)["predictions"]
    session = onnxruntime.InferenceSession(path.read_bytes())
    table = pl.read_csv(flats, schema_overrides={"balcony": pl.String}, try_parse_dates=True)
    inputs = {}
    for one in session.get_inputs():
        column = table[one.name]
        if column.dtype == pl.Date:  # seconds since 1970
            column = column.cast(pl.Int32).cast(pl.Float64) * 86_400
        is_text = one.type == "tensor(string)"
        inputs[one.name] = column.fill_null("" if is_text else float("nan")).to_numpy()[:, None]
    assert set(inputs) == {"area", "district", "built", "balcony", "price"} - {target}
    inputs = {name: each.astype(object) if each.dtype.kind in "UO" else each for name, each in inputs.items()}
    first, *shares = session.run(None, inputs)
    if target == "price":
        expected = np.array([row["predicted_price"] for row in rows])
        np.testing.assert_allclose(first, expected, rtol=1e-6)
        return
    known = [row for row in table[target].to_list() if row]
    expected = np.array([[row[f"probability_{name}"] for name in sorted(set(known))] for row in rows])
    np.testing.assert_allclose(shares[0], expected, rtol=0, atol=1e-6)
    assert first.tolist() == [row["predicted_district"] for row in rows]


@pytest.mark.parametrize("model", ["tabular", "mlp"])
def test_cells_are_what_the_graph_says(model: str, tmp_path: Path):
    """Dates, times, true and false, and a column with the name of an output."""
    rng = np.random.default_rng(0)
    days, minutes = rng.integers(0, 20_000, 80), rng.integers(0, 1440, 80)
    sunny, noise = rng.random(80) < 0.5, rng.normal(size=80).round(3)
    lines = ["day,opens,sunny,prediction,visitors"]
    for day, minute, sun, number in zip(days, minutes, sunny, noise, strict=True):
        date, at = np.datetime64("1970-01-01") + day, f"{minute // 60:02}:{minute % 60:02}"
        lines.append(f"{date},{at},{str(sun).lower()},{number},{day % 365 + minute + 90 * sun + number}")
    table, file = tmp_path / "park.csv", tmp_path / "park.skops"
    table.write_text("\n".join(lines) + "\n")
    options = ["--model", model, "--epochs", "3", *(["--members", "2"] if model == "tabular" else [])]
    succeed("train", table, "--target", "visitors", *options, "--quiet", "--save", file)
    succeed("export", file, "--to", "onnx")
    session = onnxruntime.InferenceSession((tmp_path / "park.onnx").read_bytes())
    told = {one.name: one.doc_string for one in onnx.load(tmp_path / "park.onnx").graph.input}
    unit, seconds = ("seconds", 86_400) if model == "tabular" else ("days", 1)
    assert told == {
        "day": f"a date: {unit} since 1970-01-01 00:00 by the same clock; NaN: missing",
        "opens": "a time in days, 06:00 is 0.25; NaN: missing",
        "sunny": "true or false, as text; empty: missing",
        "prediction_": "a number; NaN: missing",
    }
    cells = {
        "day": days * float(seconds),
        "opens": minutes / 1440,
        "sunny": np.where(sunny, "true", "false").astype(object),
        "prediction_": noise,
    }
    assert {one.type for one in session.get_inputs()} == {"tensor(double)", "tensor(string)"}
    (predicted,) = session.run(None, {name: each[:, None] for name, each in cells.items()})
    rows = json.loads(succeed("predict", file, table, "--json").stdout)["predictions"]
    np.testing.assert_allclose(predicted, [row["predicted_visitors"] for row in rows], rtol=1e-6)


def test_a_model_goes_to_c(folder: Path, tmp_path: Path):
    header = tmp_path / "mass.h"
    succeed("export", folder / "mass.skops", "--to", "c", "--output", header)
    program = tmp_path / "test.c"
    program.write_text(
        '#define NET_SELF_TEST\n#include "mass.h"\nint main(void) { return net_self_test(); }\n'
    )
    flags = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror", "-o", tmp_path / "test"]
    subprocess.run(["gcc", *flags, program], check=True)
    subprocess.run([tmp_path / "test"], check=True)


def test_a_network_goes_to_each_form(folder: Path, tmp_path: Path):
    network, rows = fp.Network.load(folder / "net.safetensors"), np.eye(3, dtype=np.float32)
    for form, suffix in (("onnx", "onnx"), ("c", "h"), ("json", "json")):
        succeed("export", folder / "net.safetensors", "--to", form)
        assert (folder / f"net.{suffix}").stat().st_size > 0
    restored = from_json((folder / "net.json").read_text("utf-8"))
    np.testing.assert_array_equal(restored.predict(rows), network.predict(rows))
    session = onnxruntime.InferenceSession((folder / "net.onnx").read_bytes())
    np.testing.assert_allclose(session.run(None, {"X": rows})[0], network.predict(rows), rtol=0, atol=1e-6)


def test_what_cannot_be_exported_is_said(folder: Path, tmp_path: Path):
    tabular = tmp_path / "tabular.skops"
    quick = ("--epochs", "2", "--members", "2", "--hidden", "4", "--quiet")
    succeed("train", PENGUINS, "--target", "species", *quick, "--save", tabular)
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"no network")
    (tmp_path / "species.onnx").write_text("kept")
    for arguments, message in (
        (
            (tabular, "--to", "c"),
            "whose preparation of a table has no form in c; expected --to onnx, or a model that was trained",
        ),
        ((tabular, "--to", "json"), "whose preparation of a table has no form in json; expected --to onnx"),
        ((folder / "species.skops", "--to", "json"), "which JSON cannot hold"),
        ((damaged, "--to", "c"), "is not a network file"),
        ((tmp_path / "none.skops", "--to", "c"), "cannot read"),
        (
            (folder / "species.skops", "--to", "onnx", "-o", folder / "species.skops"),
            "species.skops' does not end like onnx; expected .onnx",
        ),
        (
            (folder / "species.skops", "--to", "c", "--name", "2net"),
            "--name: got '2net'; expected a name in C",
        ),
        ((folder / "species.skops", "--to", "onnx", "--name", "net"), "--name: onnx has no names"),
        ((folder / "species.skops", "--to", "pmml"), "--to: no 'pmml'; expected one of 'onnx', 'c', 'json'"),
    ):
        assert message in complaint("export", *arguments)
    succeed("export", folder / "mass.skops", "--to", "c", "--name", "mass", "-o", tmp_path / "own.h")
    assert "mass_predict(" in (tmp_path / "own.h").read_text()
    (folder / "mass.h").write_text("kept")
    assert "exists already" in complaint("export", folder / "mass.skops", "--to", "c")
    assert (folder / "mass.h").read_text() == "kept"
