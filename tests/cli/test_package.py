"""argosy package: a version that predicts where there is no Argosy."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from argosy.model.format import load
from argosy.model.signature import Signature, encode_rows
from argosy.store import Store, artifacts, versions

NORTH = "model_late_order_north"


def python(apart: Callable[[str], Path], *arguments: object, path: Path, given: str = "") -> str:
    """What Python prints that has the oldest onnxruntime and NumPy of a bundle, no Argosy, and what lies in `path`."""
    command = [apart("bundle") / "bin" / "python", "-B", *arguments]
    done = subprocess.run(list(map(str, command)), cwd=path, input=given, capture_output=True, text=True, env={})
    assert done.returncode == 0, done.stderr
    return done.stdout


def served(home: Path, key: str, rows: list[dict[str, object]]) -> list[float]:
    """What the version itself answers."""
    with Store.open(home, create=False) as store, store.read() as conn:
        version = versions.find(conn, "late-order", key, 1)
        assert version is not None and version.signature is not None
        known = artifacts.get(conn, [version.artifact, version.signature])
        signature = Signature.from_json(artifacts.content(store.blobs, known[version.signature]))
        model = load(version.format, artifacts.content(store.blobs, known[version.artifact]))
    return model.predict(encode_rows(rows, signature)).tolist()


@pytest.mark.slow
@pytest.mark.parametrize("key", ["north", "*"])
def test_a_bundle_predicts_in_an_environment_without_argosy(
    run, inside: Path, tmp_path: Path, apart: Callable[[str], Path], key: str
) -> None:
    done = run("package", f"late-order/{key}@1", "--to", "onnx-bundle", "--out", tmp_path, "--json").json()
    name = done["package"]
    assert done["difference"] < 1e-15 and Path(done["path"]) == tmp_path / name
    assert "predictions are as packed" in python(apart, "-m", name, "--self-test", path=tmp_path)
    rows = json.loads((tmp_path / name / "selftest.json").read_text())["rows"][:9]
    rows += [{**rows[0], "kilometres": None}, {**rows[0], "parcels": 10**9, "depot": "nowhere"}]
    found = json.loads(python(apart, "-m", name, path=tmp_path, given=json.dumps(rows)))
    assert found == pytest.approx(served(inside / ".argosy", key, rows), rel=1e-12, abs=0)
    with pytest.raises(AssertionError, match="No module named 'argosy'"):
        python(apart, "-c", "import argosy", path=tmp_path)


@pytest.mark.slow
def test_a_wheel_is_installed_without_a_network(
    run, inside: Path, tmp_path: Path, apart: Callable[[str], Path], uv: None
) -> None:
    done = run("package", "late-order/north", "--to", "wheel", "--out", tmp_path)
    wheel = tmp_path / f"{NORTH}-1-py3-none-any.whl"
    assert done.code == 0 and f"wrote {wheel}: 8 files" in done.err
    install = ["uv", "pip", "install", "--no-index", "--no-deps", "--python", apart("bundle") / "bin" / "python"]
    subprocess.run([*install, "--target", tmp_path / "site", wheel], check=True, capture_output=True)
    assert (tmp_path / "site" / f"{NORTH}-1.dist-info" / "METADATA").exists()
    assert "predictions are as packed" in python(apart, "-m", NORTH, "--self-test", path=tmp_path / "site")
    use = f"from {NORTH} import predict; print(predict([{{'kilometres': 3, 'parcels': 1, 'hour': 9, 'weekday': 2}}]))"
    row: dict[str, object] = {"kilometres": 3, "parcels": 1, "hour": 9, "weekday": 2}
    found = json.loads(python(apart, "-c", use, path=tmp_path / "site"))
    assert found == pytest.approx(served(inside / ".argosy", "north", [row]), rel=1e-12)


@pytest.mark.slow
def test_a_fleet_is_one_bundle_that_routes_by_key(
    run, late: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, apart: Callable[[str], Path]
) -> None:
    shutil.copytree(late / ".argosy", tmp_path / ".argosy")
    monkeypatch.chdir(tmp_path)
    states = run("get", "members", "--json").json()["items"]
    own = {each["key"] for each in states if each["target"] == "own"} | {"north"}
    run("promote", "late-order/north@1")
    done = run("package", "late-order", "--to", "docker", "--json").json()
    assert done["package"] == "model_late_order" and done["difference"] < 1e-15
    packed = json.loads((tmp_path / "model_late_order" / "fleet.json").read_text())
    assert {each["key"][0] for each in packed["members"]} == own - {"*"} and packed["pooled"]
    row = {"kilometres": 31.5, "parcels": 4, "hour": 8, "weekday": 3}
    rows = [{**row, "depot": depot} for depot in ("north", "nowhere")]
    assert "predictions are as packed" in python(apart, "-m", "model_late_order", "--self-test", path=tmp_path)
    found = json.loads(python(apart, "-m", "model_late_order", path=tmp_path, given=json.dumps(rows)))
    wanted = [served(tmp_path / ".argosy", key, [each])[0] for key, each in zip(("north", "*"), rows, strict=True)]
    assert found == pytest.approx(wanted, rel=1e-12) and found[0] != found[1]


def test_a_directory_for_docker_has_what_it_builds_from(run, inside: Path, tmp_path: Path) -> None:
    done = run("package", "late-order/north@1", "--to", "docker", "--out", tmp_path)
    assert f"docker build -t model-late-order-north {tmp_path / NORTH}" in done.err
    assert "COPY . /app/model_late_order_north\n" in (tmp_path / NORTH / "Dockerfile").read_text()


def test_a_training_set_that_is_not_here_is_built(
    run, late: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(late, tmp_path / "late")
    monkeypatch.chdir(tmp_path / "late")
    run("promote", "late-order/north@1")
    for address in ("late-order/north@1", "late-order/*", "late-order"):
        shutil.rmtree(Path(".argosy", "sets"))
        done = run("package", address, "--to", "onnx-bundle", "--json")
        assert done.code == 0, done.err
        assert done.json()["difference"] < 1e-15 and "building the training set" in done.err
        assert "building" not in run("package", address, "--to", "onnx-bundle", "--force").err


def test_what_is_there_is_replaced_only_by_force(run, inside: Path, tmp_path: Path) -> None:
    command = ("package", "late-order/north@1", "--to", "onnx-bundle", "--out", tmp_path)
    assert run(*command).code == 0
    (tmp_path / NORTH / "README.md").write_text("mine")
    again = run(*command)
    assert again.code == 1 and "is there already" in again.err and "--force" in again.err
    assert (tmp_path / NORTH / "README.md").read_text() == "mine"
    assert run(*command, "--force").code == 0
    assert (tmp_path / NORTH / "README.md").read_text() != "mine" and list(tmp_path.iterdir()) == [tmp_path / NORTH]


def test_what_is_not_there_is_named(run, inside: Path, tmp_path: Path) -> None:
    for address in ("late-order/north@9", "late-order/west", "late-order@3", "other"):
        absent = run("package", address, "--to", "wheel")
        assert absent.code == 2 and f"there is no version {address}" in absent.err
    assert run("package", "late-order/north", "--to", "exe").code == 2
    nowhere = run("package", "late-order/north", "--to", "wheel", "--out", tmp_path / "none")
    assert nowhere.code == 1 and "there is no directory" in nowhere.err
