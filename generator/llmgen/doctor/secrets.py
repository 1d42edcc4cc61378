"""Secrets that pods and the gateway read: there, with the key, of the right shape. No value leaves this module."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from llmgen.doctor.api import Object
from llmgen.doctor.exam import Exam
from llmgen.doctor.finding import About, Finding, Question

_MARK = re.compile(rb"sha256:[0-9a-f]{64}")
"""What the gateway accepts as the hash of a key, spaces around it aside; a test holds both together."""
_PULL_TYPES = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")


@dataclass(slots=True, kw_only=True)
class _Need:
    """What one Secret must have."""

    keys: dict[str, bool] = field(default_factory=dict)
    """Whether each key may be missing."""
    users: set[str] = field(default_factory=set)
    optional: bool = True
    pull: bool = False
    hashes: dict[str, str] = field(default_factory=dict)
    """Keys that hold the hash of an API key, and whose."""


def questions(exam: Exam) -> Iterator[Question]:
    """Ask for each Secret that anything of the release refers to."""
    for name, need in sorted(_needs(exam).items()):
        yield About("secret", name).asked(_secret, exam, need)
    for gateway in exam.release.of_kind("Gateway", "networking.istio.io"):
        names = ((server.get("tls") or {}).get("credentialName") for server in gateway["spec"]["servers"])
        for name in filter(None, names):
            yield About("secret", name).asked(_certificate, exam, gateway["spec"].get("selector") or {})


def _needs(exam: Exam) -> dict[str, _Need]:
    found: dict[str, _Need] = {}
    own = {item["metadata"]["name"] for item in exam.release.of_kind("Secret")}
    for who, pod in exam.release.pods():
        for name, key, optional in _references(pod):
            need = found.setdefault(name, _Need())
            need.users.add(who)
            need.optional &= optional
            if key is not None:
                need.keys[key] = need.keys.get(key, True) and optional
        for reference in pod.get("imagePullSecrets") or ():
            need = found.setdefault(reference["name"], _Need())
            need.users.add(who)
            need.pull, need.optional = True, False
    for tenant, settings in exam.spec.tenants.items():
        for entry in settings.keys.values():
            if entry.secret is not None and entry.secret.name in found:
                found[entry.secret.name].hashes[entry.secret.key] = tenant
    return {name: need for name, need in found.items() if name not in own}


def _references(pod: Object) -> Iterator[tuple[str, str | None, bool]]:
    """Go through (Secret, key or None for all of it, whether it may be missing)."""
    for box in (*(pod.get("initContainers") or ()), *(pod.get("containers") or ())):
        for variable in box.get("env") or ():
            reference = (variable.get("valueFrom") or {}).get("secretKeyRef")
            if reference:
                yield reference["name"], reference["key"], bool(reference.get("optional"))
        for source in box.get("envFrom") or ():
            reference = source.get("secretRef")
            if reference:
                yield reference["name"], None, bool(reference.get("optional"))
    for volume in pod.get("volumes") or ():
        if "secret" in volume:
            yield from _mounted(volume["secret"]["secretName"], volume["secret"])
        for source in (volume.get("projected") or {}).get("sources") or ():
            if "secret" in source:
                yield from _mounted(source["secret"]["name"], source["secret"])


def _mounted(name: str, source: Mapping[str, object]) -> Iterator[tuple[str, str | None, bool]]:
    optional, items = bool(source.get("optional")), source.get("items")
    if not isinstance(items, list):
        yield name, None, optional
        return
    for item in items:
        yield name, item["key"], optional


def _secret(about: About, exam: Exam, need: _Need) -> Iterator[Finding]:
    name = about.subject
    users = ", ".join(sorted(need.users)[:3]) + (f" and {len(need.users) - 3} more" if len(need.users) > 3 else "")  # noqa: PLR2004
    why = f"the pods of {users} do not start without it"
    found = exam.inside("secrets", name)
    if found is None:
        if need.optional:
            yield about.ok(f"missing, which {users} allow")
            return
        yield about.fail(f"there is no Secret {name} in {exam.namespace}", why=why, fix=_create(exam, name, need))
        return
    data = found.get("data") or {}
    missing = sorted(key for key, optional in need.keys.items() if key not in data and not optional)
    for key in missing:
        yield about.fail(
            f"the Secret has no key {key!r}; it has {', '.join(sorted(data)) or 'none'}", why=why,
            fix=_patch(exam, name, key, need),
        )  # fmt: skip
    if need.pull and found.get("type") not in _PULL_TYPES:
        yield about.fail(
            f"its type is {found.get('type')}, not {_PULL_TYPES[0]}", why="the kubelet ignores it, and the image is not pulled",
            fix=_create(exam, name, need),
        )  # fmt: skip
    wrong = [key for key in need.keys if key in data and not _fits(data[key], hashed=key in need.hashes)]
    for key in wrong:
        if key in need.hashes:
            yield about.fail(
                f"key {key!r} is not sha256: and 64 lower-case hexadecimal digits",
                why=f"the gateway refuses its configuration, or every request of tenant {need.hashes[key]}",
                fix=_patch(exam, name, key, need),
            )  # fmt: skip
        else:
            yield about.fail(f"key {key!r} is empty", why=why, fix=_patch(exam, name, key, need))
    if not missing and not wrong and (not need.pull or found.get("type") in _PULL_TYPES):
        said = ", ".join(sorted(need.keys)) or "as a whole"
        yield about.ok(f"there, with {said}" + (": hashes of API keys" if need.hashes else ""))


def _fits(encoded: str, *, hashed: bool) -> bool:
    try:
        value = base64.b64decode(encoded).strip()
    except (binascii.Error, ValueError):
        return False
    return _MARK.fullmatch(value) is not None if hashed else bool(value)


def _create(exam: Exam, name: str, need: _Need) -> str:
    at = f"kubectl -n {exam.namespace} create secret"
    if need.pull:
        return f"{at} docker-registry {name} --docker-server=SERVER --docker-username=USER --docker-password=PASSWORD"
    keys = " ".join(
        f"--from-literal={key}={'sha256:…' if key in need.hashes else 'VALUE'}" for key in sorted(need.keys)
    )
    made = "llmgen key new makes the key and its hash; " if need.hashes else ""
    return f"{made}{at} generic {name} {keys}".rstrip()


def _patch(exam: Exam, name: str, key: str, need: _Need) -> str:
    made = "llmgen key new makes the key and its hash; " if key in need.hashes else ""
    value = "sha256:…" if key in need.hashes else "VALUE"
    return f"""{made}kubectl -n {exam.namespace} patch secret {name} -p '{{"stringData":{{"{key}":"{value}"}}}}'"""


def _certificate(about: About, exam: Exam, selector: Mapping[str, str]) -> Iterator[Finding]:
    """Istio reads a server's certificate where its ingress gateway runs, not where the release is."""
    name = about.subject
    labels = ",".join(f"{key}={value}" for key, value in selector.items())
    places = sorted({str(pod["metadata"]["namespace"]) for pod in exam.everywhere("pods", labelSelector=labels)})
    if not places:
        yield about.fail(
            f"no pod carries {labels}",
            why="no ingress gateway serves this release's host",
            fix="set gateway.exposure.istioSelector to its labels",
        )
    for place in places:
        if exam.reader.one(f"/api/v1/namespaces/{place}/secrets/{name}") is None:
            yield about.fail(
                f"there is no Secret {name} in {place}, where the ingress gateway runs", why="TLS handshakes fail",
                fix=f"kubectl -n {place} create secret tls {name} --cert=CERT --key=KEY",
            )  # fmt: skip
        else:
            yield about.ok(f"there, in {place} beside the ingress gateway")
