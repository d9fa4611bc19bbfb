"""What is deployed: by the schemas of Kubernetes, by the fields of KServe's, and by the command line that it names."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from argosy.cli.app import build
from argosy.cli.serve import serve
from argosy.errors import InputError
from argosy.pipelines.export import place
from argosy.serving.server import Options

ROOT = Path(__file__).resolve().parents[3]
DEPLOY = ROOT / "deploy"
INFERENCE, KSERVE = DEPLOY / "kubernetes" / "inference.yaml", DEPLOY / "kubernetes" / "kserve.yaml"

# The fields of KServe's own resources that its documentation names; those of a pod are checked as a pod's.
RUNTIME = {
    "annotations", "builtInAdapter", "containers", "disabled", "grpcEndpoint", "grpcDataEndpoint", "httpDataEndpoint",
    "labels", "multiModel", "protocolVersions", "replicas", "storageHelper", "supportedModelFormats", "volumes",
}  # fmt: skip
FORMAT = {"name", "version", "autoSelect", "priority"}
PREDICTOR = {"minReplicas", "maxReplicas", "scaleMetric", "scaleTarget", "containerConcurrency", "timeout", "model"}
MODEL = {"modelFormat", "protocolVersion", "runtime", "storageUri", "storage", "runtimeVersion", "resources", "env"}


def documents(path: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(path.read_text()))


def pods() -> Iterator[dict[str, Any]]:
    yield documents(INFERENCE)[0]["spec"]["template"]["spec"]
    yield {name: documents(KSERVE)[0]["spec"][name] for name in ("containers", "volumes")}


@pytest.mark.slow
def test_the_schemas_of_kubernetes_pass(apart: Callable[[str], Path], tmp_path: Path) -> None:
    files = {"inference": INFERENCE, "runtime": tmp_path / "runtime.yaml", "broken": tmp_path / "broken.yaml"}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "runtime"}, "spec": list(pods())[1]}
    files["runtime"].write_text(yaml.safe_dump(pod))
    files["broken"].write_text(INFERENCE.read_text().replace("averageUtilization", "averageUtilisation"))
    validate = apart("kubernetes") / "bin" / "kubernetes-validate"
    codes = {name: subprocess.run([validate, "--strict", file]).returncode for name, file in files.items()}
    assert codes.pop("broken") != 0
    assert set(codes.values()) == {0}


def test_the_resources_of_kserve_have_its_fields_and_name_one_another() -> None:
    runtime, service = documents(KSERVE)
    assert (runtime["apiVersion"], runtime["kind"]) == ("serving.kserve.io/v1alpha1", "ServingRuntime")
    assert (service["apiVersion"], service["kind"]) == ("serving.kserve.io/v1beta1", "InferenceService")
    assert runtime["spec"].keys() <= RUNTIME and service["spec"].keys() == {"predictor"}
    assert all(each.keys() <= FORMAT for each in runtime["spec"]["supportedModelFormats"])
    predictor = service["spec"]["predictor"]
    assert predictor.keys() <= PREDICTOR and predictor["model"].keys() <= MODEL
    assert predictor["model"]["runtime"] == runtime["metadata"]["name"]
    assert predictor["model"]["protocolVersion"] in runtime["spec"]["protocolVersions"]
    assert predictor["model"]["modelFormat"]["name"] in {f["name"] for f in runtime["spec"]["supportedModelFormats"]}
    assert [each["name"] for each in runtime["spec"]["containers"]] == ["kserve-container"]


@pytest.mark.parametrize("pod", list(pods()), ids=["deployment", "kserve"])
def test_a_container_starts_the_server_that_its_probes_ask(pod: dict[str, Any]) -> None:
    [container] = pod["containers"]
    given = arguments(container["args"])
    assert given["port"] == container["ports"][0]["containerPort"]
    ends = Options(home="x", token="t", notice_seconds=given["notice"], drain_seconds=given["drain"])
    preparing = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    grace = pod.get("terminationGracePeriodSeconds", 30)
    assert preparing + ends.notice_seconds + ends.drain_seconds < grace
    for probe in (container[each] for each in container if each.endswith("Probe")):
        assert probe["httpGet"]["path"] in ("/v2/health/live", "/v2/health/ready")
        assert probe["httpGet"]["port"] in ("http", given["port"])
        assert {"name": "Host", "value": "localhost"} in probe["httpGet"]["httpHeaders"]
    assert [each for each in place.variables() if each not in container["env"]] == []


def test_the_image_copies_what_is_there_and_starts_a_command() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", text, flags=re.MULTILINE)
    names = [name for line in copied for name in line.split()]
    assert len(names) >= 5 and [name for name in names if not (ROOT / name).exists()] == []
    [command] = re.findall(r"^CMD (\[.+\])$", text, flags=re.MULTILINE)
    given = arguments(yaml.safe_load(command))
    assert f"EXPOSE {given['port']}" in text and 'ENTRYPOINT ["argosy"]' in text
    assert f"ARGOSY_BLOBS={place.BLOBS}" in text


def test_arguments_that_the_server_does_not_take_would_be_found() -> None:
    with pytest.raises(Exception, match="--notices"):
        arguments(["serve", "--notices", "5"])
    with pytest.raises(InputError):
        Options(home="x", token="t", notice_seconds=40, drain_seconds=40)


def arguments(words: list[str]) -> dict[str, Any]:
    """The arguments with which `argosy serve` would be called."""
    command, bound, _ = build("serve").parse_args(words, exit_on_error=False, print_error=False)
    assert command is serve
    bound.apply_defaults()
    return dict(bound.arguments)
