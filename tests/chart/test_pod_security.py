"""Every pod meets Pod Security "restricted" and the house's own rules, by default and with every option."""

from __future__ import annotations

import re
from typing import Any

from tests.chart.conftest import CHART, CI, Helm, only

# https://kubernetes.io/docs/concepts/security/pod-security-standards/ (baseline and restricted).
VOLUMES = {
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "image",
    "persistentVolumeClaim",
    "projected",
    "secret",
}


def containers(spec: dict[str, Any]) -> list[dict[str, Any]]:
    return [*spec.get("initContainers", []), *spec["containers"]]


def violations(spec: dict[str, Any]) -> list[str]:
    """Return what Pod Security "restricted" would refuse."""
    pod = spec.get("securityContext", {})
    found = [key for key in ("hostNetwork", "hostPID", "hostIPC") if spec.get(key)]
    found += [
        f"volume {volume['name']}" for volume in spec.get("volumes", []) if not (set(volume) - {"name"}) <= VOLUMES
    ]
    found += [f"sysctl {sysctl['name']}" for sysctl in pod.get("sysctls", [])]
    for container in containers(spec):
        own = container.get("securityContext", {})
        both = {**pod, **own}
        capabilities = own.get("capabilities", {})
        checks = {
            "privileged": own.get("privileged", False) is False,
            "allowPrivilegeEscalation": own.get("allowPrivilegeEscalation") is False,
            "runAsNonRoot": both.get("runAsNonRoot") is True,
            "runAsUser": both.get("runAsUser") != 0,
            "seccompProfile": both.get("seccompProfile", {}).get("type") in {"RuntimeDefault", "Localhost"},
            "capabilities": capabilities.get("drop") == ["ALL"]
            and set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"},
            "procMount": own.get("procMount", "Default") == "Default",
            "hostPort": not [port for port in container.get("ports", []) if port.get("hostPort")],
        }
        found += [f"{container['name']}: {check}" for check, holds in checks.items() if not holds]
    return found


def test_every_pod_is_restricted(pods: dict[str, dict[str, Any]]):
    assert len(pods) > 8
    assert not {name: found for name, spec in pods.items() if (found := violations(spec))}


def test_the_check_would_notice(pods: dict[str, dict[str, Any]]):
    spec = next(iter(pods.values()))
    assert violations({**spec, "hostIPC": True})
    assert violations({**spec, "securityContext": {}})
    assert violations({**spec, "volumes": [{"name": "x", "hostPath": {"path": "/"}}]})


def test_no_pod_but_the_gateways_has_an_api_token_and_none_has_service_links(pods: dict[str, dict[str, Any]]):
    for name, spec in pods.items():
        assert spec["automountServiceAccountToken"] is (spec["containers"][0]["name"] == "gateway"), name
        assert spec["enableServiceLinks"] is False, name


def test_every_root_file_system_is_read_only(pods: dict[str, dict[str, Any]]):
    for name, spec in pods.items():
        for container in containers(spec):
            assert container["securityContext"]["readOnlyRootFilesystem"] is True, name


def test_everything_the_engine_is_told_to_write_is_a_writable_mount(pods: dict[str, dict[str, Any]]):
    for name, spec in pods.items():
        engine = spec["containers"][0]
        if engine["name"] != "engine":
            continue
        writable = {mount["mountPath"] for mount in engine["volumeMounts"] if not mount.get("readOnly")}
        paths = {item["value"] for item in engine["env"] if str(item.get("value", "")).startswith("/")}
        assert paths, name
        assert all(any(path == mount or path.startswith(mount + "/") for mount in writable) for path in paths), name
        assert {"/dev/shm", "/tmp"} <= writable  # noqa: S108 -- mounts, not files of this test


def test_every_container_has_requests_and_a_memory_limit(pods: dict[str, dict[str, Any]]):
    for name, spec in pods.items():
        for container in containers(spec):
            assert {"cpu", "memory"} <= set(container["resources"]["requests"]), name
            assert "memory" in container["resources"]["limits"], name


def test_gpus_are_requests_and_limits_alike(pods: dict[str, dict[str, Any]]):
    for spec in pods.values():
        resources = spec["containers"][0]["resources"]
        assert resources["requests"].get("nvidia.com/gpu") == resources["limits"].get("nvidia.com/gpu")


def test_no_image_is_mutable_or_without_a_registry(pods: dict[str, dict[str, Any]]):
    for name, spec in pods.items():
        for container in containers(spec):
            assert re.fullmatch(r"[^/]+\.[^/]+/.+(:(?!latest$)[^:@/]+|@sha256:[0-9a-f]{64})", container["image"]), name


def test_no_secret_reaches_arguments_annotations_or_config_maps(helm: Helm):
    """Secret names appear only where a Secret is referenced."""
    objects = helm.objects(CI / "all-branches-values.yaml")
    for item in objects:
        for secret in (
            "hf-token",
            "engine-key",
            "engine-license",
            "s3-models",
            "tenant-acme",
            "redis-password",
            "test-key",
        ):
            assert secret not in without_references(item), item["metadata"]["name"]


def without_references(part: Any) -> str:
    if isinstance(part, dict):
        named = {"secretKeyRef", "secret"}
        return " ".join(f"{key} {without_references(value)}" for key, value in part.items() if key not in named)
    if isinstance(part, list):
        return " ".join(map(without_references, part))
    return str(part)


def test_the_release_can_only_be_reached_through_policies(rendered: dict[str, list[dict[str, Any]]]):
    for objects in rendered.values():
        deny = next(
            item
            for item in objects
            if item["kind"] == "NetworkPolicy" and item["metadata"]["name"].endswith("-default-deny")
        )
        wanted = deny["spec"]["podSelector"]["matchLabels"]
        for item in objects:
            if item["kind"] in {"Deployment", "Pod"}:
                labels = (
                    item["metadata"]["labels"]
                    if item["kind"] == "Pod"
                    else item["spec"]["template"]["metadata"]["labels"]
                )
                assert wanted.items() <= labels.items()


def test_an_arbitrary_uid_works(helm: Helm):
    values = {"engineDefaults": {"podSecurityContext": {"runAsUser": None, "runAsGroup": None, "fsGroup": None}}}
    spec = only(helm.objects(CI / "minimal-values.yaml", values=values), "Deployment")["spec"]["template"]["spec"]
    assert "runAsUser" not in spec["securityContext"]
    assert not violations(spec)


def test_local_volumes_are_never_host_paths():
    assert not [path.name for path in (CHART / "templates").rglob("*.*") if "hostPath:" in path.read_text()]
