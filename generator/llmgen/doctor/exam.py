"""What every question may look at: the spec, the plan, the manifests, and the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from llmgen.doctor.api import ApiError, Object, Reader
from llmgen.doctor.prober import Prober
from llmgen.doctor.release import Release

if TYPE_CHECKING:
    from llmgen.plan import Plan
    from llmgen.spec import Spec


@dataclass(frozen=True, slots=True, kw_only=True)
class Exam:
    """One spec against one cluster."""

    spec: Spec
    plan: Plan
    release: Release
    reader: Reader
    prober: Prober

    @property
    def namespace(self) -> str:
        """Namespace of the release."""
        return self.release.namespace

    def inside(self, resource: str, name: str, *, group: str = "", version: str = "v1") -> Object | None:
        """Return one object of the release's namespace. Raises what the reader raises."""
        return self.reader.one(f"{root(group, version)}/namespaces/{self.namespace}/{resource}/{name}")

    def of_namespace(self, resource: str, *, group: str = "", version: str = "v1") -> tuple[Object, ...]:
        """Return all objects of a kind in the release's namespace. Raises what the reader raises."""
        return self.reader.all(f"{root(group, version)}/namespaces/{self.namespace}/{resource}")

    def everywhere(
        self, resource: str, *, group: str = "", version: str = "v1", **selectors: str
    ) -> tuple[Object, ...]:
        """Return all objects of a kind in the cluster. Raises what the reader raises."""
        return self.reader.all(f"{root(group, version)}/{resource}", **selectors)

    def mine(self, item: Object) -> bool:
        """Say whether an object of the cluster belongs to this release."""
        metadata = item["metadata"]
        owner = (metadata.get("labels") or {}).get("app.kubernetes.io/instance")
        return bool(metadata.get("namespace") == self.namespace and owner == self.release.name)

    def runs(self) -> bool:
        """Say whether the release runs already; not to be seen counts as no."""
        try:
            return any(self.mine(item) for item in self.of_namespace("deployments", group="apps"))
        except ApiError:
            return False


def root(group: str, version: str) -> str:
    """Return where the API keeps a group."""
    return f"/apis/{group}/{version}" if group else f"/api/{version}"
