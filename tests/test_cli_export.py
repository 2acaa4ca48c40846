"""``ferroprop export``: what it writes predicts as the model does."""

import json
import subprocess
from pathlib import Path

import ferroprop as fp
import numpy as np
import pytest
from command_line import PENGUINS, complaint, succeed
from ferroprop.cli import load_model
from ferroprop.export import from_json

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
            (tabular, "--to", "onnx"),
            "whose preparation of a table has no form in onnx; train with --model mlp",
        ),
        ((folder / "species.skops", "--to", "json"), "which JSON cannot hold"),
        ((damaged, "--to", "c"), "is not a network file"),
        ((tmp_path / "none.skops", "--to", "c"), "cannot read"),
        ((folder / "species.skops", "--to", "onnx", "-o", folder / "species.skops"), "is also MODEL"),
        ((folder / "species.skops", "--to", "pmml"), "pmml"),
    ):
        assert message in complaint("export", *arguments)
    (folder / "mass.h").write_text("kept")
    assert "exists already" in complaint("export", folder / "mass.skops", "--to", "c")
    assert (folder / "mass.h").read_text() == "kept"
