"""Files of a run: up, listed, down, byte for byte."""

from __future__ import annotations

import hashlib
import os
import random
import tempfile
from pathlib import Path

import mlflow
import pandas
from flow import Flow
from mlflow.artifacts import download_artifacts, list_artifacts, load_dict, load_text
from mlflow.exceptions import MlflowException

NAMES = (
    "plain.txt",
    "a b.txt",
    "größe ✓.txt",
    "100%.txt",
    "a+b&c=d.txt",
    "semi;colon.txt",
    "quote'd.txt",
    "日本/深い/木.txt",
)


def _run(flow: Flow, what: str) -> tuple[str, str]:
    """A new run in an experiment of its own, and its address as artifacts have it."""
    client = flow.client()
    run = client.create_run(client.create_experiment(f"{flow.title} {what}")).info.run_id
    return run, f"runs:/{run}"


def _tree(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def _down(address: str) -> Path:
    return Path(download_artifacts(address, dst_path=tempfile.mkdtemp()))


def texts(flow: Flow) -> None:
    run, address = _run(flow, "texts")
    client = flow.client()
    client.log_text(run, "line\r\n✓\n", "notes/read me.txt")
    client.log_text(run, "", "empty.txt")
    client.log_dict(run, {"a": [1, None, "✓"]}, "config.json")
    client.log_dict(run, {"b": {"c": 2}}, "config.yaml")
    flow.same("text", load_text(f"{address}/notes/read me.txt"), "line\r\n✓\n".replace("\r\n", "\n"))
    flow.same("text as bytes", _down(f"{address}/notes/read me.txt").read_bytes(), "line\r\n✓\n".encode())
    flow.same("empty text", load_text(f"{address}/empty.txt"), "")
    flow.same("dictionary", load_dict(f"{address}/config.json"), {"a": [1, None, "✓"]})
    flow.same("dictionary as YAML", "c: 2" in load_text(f"{address}/config.yaml"), True)
    with mlflow.start_run(run_id=run):
        mlflow.log_text("by the fluent way", "fluent.txt")
        mlflow.log_table({"x": [1, 2], "y": ["a", "b"]}, "table.json")
        mlflow.log_table(
            pandas.DataFrame({"x": [3], "y": ["c"]}), "table.json"
        )  # appended: read, changed, written again
    flow.same("fluent text", load_text(f"{address}/fluent.txt"), "by the fluent way")
    mlflow.set_experiment(f"{flow.title} texts")  # where tables are looked for
    frame = mlflow.load_table("table.json", [run])
    flow.same("table", (list(frame["x"]), list(frame["y"])), ([1, 2, 3], ["a", "b", "c"]))
    client.log_text(run, "over it", "empty.txt")
    flow.same("written over", load_text(f"{address}/empty.txt"), "over it")


def names(flow: Flow) -> None:
    run, _ = _run(flow, "names")
    with tempfile.TemporaryDirectory() as place:
        for name in NAMES:
            path = Path(place, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"in {name}")
        flow.client().log_artifacts(run, place)
        wanted = _tree(Path(place))
    flow.same(
        "odd names, all at once", _tree(Path(flow.client().download_artifacts(run, "", tempfile.mkdtemp()))), wanted
    )
    listed = flow.client().list_artifacts(run)
    flow.same("odd names, listed", sorted(each.path for each in listed), sorted({name.split("/")[0] for name in NAMES}))
    for name in NAMES:
        flow.same(name, Path(flow.client().download_artifacts(run, name)).read_text(), f"in {name}")


def trees(flow: Flow) -> None:
    run, address = _run(flow, "trees")
    client = flow.client()
    with tempfile.TemporaryDirectory() as place:
        root = Path(place, "root")
        for number, inner in enumerate(("", "one", "one/two", "one/two/three", "other")):
            (root / inner).mkdir(parents=True, exist_ok=True)
            (root / inner / f"{number}.bin").write_bytes(bytes(range(256)) * number)
        client.log_artifacts(run, str(root))
        client.log_artifacts(run, str(root / "one"), "deep/er")
        client.log_artifact(run, str(root / "0.bin"), "single")
        client.log_artifact(run, str(root / "one" / "1.bin"))
        client.log_artifact(run, str(root / "other"))  # a directory keeps its name
        wanted = _tree(root)
        wanted |= {f"deep/er/{path}": held for path, held in _tree(root / "one").items()}
        wanted |= {"single/0.bin": b"", "1.bin": wanted["one/1.bin"]}
    flow.same("the whole tree", _tree(Path(flow.client().download_artifacts(run, "", tempfile.mkdtemp()))), wanted)
    flow.same("a tree below", _tree(_down(f"{address}/one/two")),
              {"2.bin": wanted["one/two/2.bin"], "three/3.bin": wanted["one/two/three/3.bin"]})  # fmt: skip

    def seen(path: str | None) -> list[tuple[str, bool, int | None]]:
        found = flow.client().list_artifacts(run, path)
        return [(each.path, each.is_dir, None if each.is_dir else each.file_size or 0) for each in found]

    flow.same("the top", seen(None), [("0.bin", False, 0), ("1.bin", False, 256), ("deep", True, None),
              ("one", True, None), ("other", True, None), ("single", True, None)])  # fmt: skip
    flow.same("below", seen("one/two"), [("one/two/2.bin", False, 512), ("one/two/three", True, None)])
    flow.same("a file has nothing below", seen("0.bin"), [])
    flow.same("nothing there", seen("nowhere"), [])
    flow.same("by address", [each.path for each in list_artifacts(f"{address}/deep")], ["deep/er"])
    flow.same("a run without artifacts", flow.client().list_artifacts(_run(flow, "bare")[0]), [])
    try:
        came = _down(f"{address}/nowhere.txt")
    except (MlflowException, OSError) as error:
        flow.same("a file that is not there", "nowhere.txt" in str(error) or "No such artifact" in str(error), True)
    else:
        flow.same("a file that is not there", came, "refused")


def large(flow: Flow) -> None:
    run, address = _run(flow, "large")
    block = random.Random(0).randbytes(1 << 20)
    with tempfile.TemporaryDirectory() as place:
        path, digest = Path(place, "large.bin"), hashlib.sha256()
        with path.open("wb") as out:
            for number in range(64):
                part = number.to_bytes(4, "big") + block[4:]
                out.write(part)
                digest.update(part)
        flow.client().log_artifact(run, str(path), "large")
        flow.same("listed", [(each.path, each.file_size) for each in flow.client().list_artifacts(run, "large")],
                  [("large/large.bin", 64 << 20)])  # fmt: skip
        os.unlink(path)
        back = Path(download_artifacts(f"{address}/large/large.bin", dst_path=place))
        with back.open("rb") as held:
            flow.same("64 MB", hashlib.file_digest(held, "sha256").hexdigest(), digest.hexdigest())


def parts(flow: Flow) -> None:
    """A file in parts, side by side, where client and server both can; else in one piece."""
    os.environ |= {
        "MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD": "true",
        "MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE": str(8 << 20),
        "MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE": str(5 << 20),
        "MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD": "true",
        "MLFLOW_MULTIPART_DOWNLOAD_MINIMUM_FILE_SIZE": str(8 << 20),
        "MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE": str(3 << 20),
    }
    run, address = _run(flow, "parts")
    held = random.Random(1).randbytes((17 << 20) + 3)
    with tempfile.TemporaryDirectory() as place:
        Path(place, "a b ✓.bin").write_bytes(held)
        flow.client().log_artifact(run, f"{place}/a b ✓.bin", "in parts")
    found = [(each.path, each.file_size) for each in flow.client().list_artifacts(run, "in parts")]
    flow.same("in parts, listed", found, [("in parts/a b ✓.bin", len(held))])
    flow.same("in parts", _down(f"{address}/in parts/a b ✓.bin").read_bytes() == held, True)


if __name__ == "__main__":
    Flow().run(texts, names, trees, large, parts)
