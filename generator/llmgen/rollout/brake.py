"""The brake: a ConfigMap outside the chart. While it exists, every gateway of the release sends all traffic to stable."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from llmgen.checks.names import object_name

if TYPE_CHECKING:
    from llmgen.rollout.state import Release

OURS = {"app.kubernetes.io/managed-by": "llmgen"}
"""Labels that tell a brake pulled by `llmgen rollout abort` from one that a person pulled."""
PATIENCE_SECONDS = 10
NOT_FOUND = 404


class BrakeError(Exception):
    """The cluster was not reached, or refused; the message says why."""


class Brake:
    """The brake of one release on a live cluster."""

    def __init__(self, release: Release, *, kubeconfig: str | None = None, context: str | None = None) -> None:
        """Read the kubeconfig. Raises BrakeError."""
        try:
            from kubernetes import client, config  # noqa: PLC0415 -- half a second, and an optional part of the installation
        except ImportError as error:
            raise BrakeError("the Kubernetes client is not installed: pip install 'llmgen[cluster]'") from error
        try:
            api = config.new_client_from_config(config_file=kubeconfig, context=context)  # type: ignore[no-untyped-call]
        except (config.ConfigException, OSError) as error:
            raise BrakeError(f"no usable kubeconfig: {error}") from error
        api.configuration.retries = False
        self._core = client.CoreV1Api(api)
        self.namespace, self.name = release.namespace, object_name(release.name, "brake")
        self._gateway = object_name(release.name, "gateway")

    def pull(self, reason: str) -> bool:
        """Put the brake on; False if it was on already. Raises BrakeError."""
        if self._get(self.name) is not None:
            return False
        body = {
            "metadata": {"name": self.name, "labels": OURS},
            "data": {"reason": reason, "since": datetime.now(UTC).isoformat(timespec="seconds")},
        }
        self._ask("create_namespaced_config_map", self.namespace, body)
        return True

    def release(self) -> bool:
        """Take the brake off; False if there was none. Raises BrakeError for one that somebody else pulled."""
        found = self._get(self.name)
        if found is None:
            return False
        if not (found.metadata.labels or {}).items() >= OURS.items():
            raise BrakeError(f"configmap {self.name} was not made by llmgen: whoever made it knows when it may go")
        self._ask("delete_namespaced_config_map", self.name, self.namespace)
        return True

    def live_shares(self) -> dict[str, int]:
        """Return the shares in percent that canaries and shadows would get without the brake, by model. Raises BrakeError."""
        import yaml  # noqa: PLC0415 -- parses YAML

        from llmgen import chart  # noqa: PLC0415

        found = self._get(self._gateway)
        if found is None:
            raise BrakeError(
                f"configmap {self._gateway} is not there: no gateway of this release runs in {self.namespace}"
            )
        file = yaml.safe_load((found.data or {}).get(chart.read("files/gateway.yaml")["configFile"], "")) or {}
        shares = {}
        for name, model in (file.get("models") or {}).items():
            tracks = model.get("tracks") or {}
            shares[name] = max(
                int((tracks.get("canary") or {}).get("weight") or 0),
                int((tracks.get("shadow") or {}).get("mirrorPercent") or 0),
            )
        return {name: share for name, share in shares.items() if share}

    def _get(self, name: str) -> Any:  # noqa: ANN401 -- the client's ConfigMap
        return self._ask("read_namespaced_config_map", name, self.namespace)

    def _ask(self, method: str, *arguments: Any) -> Any:  # noqa: ANN401 -- the client's objects
        """Call the API; None for what is not there."""
        from kubernetes.client.exceptions import ApiException  # noqa: PLC0415
        from urllib3.exceptions import HTTPError  # noqa: PLC0415

        try:
            return getattr(self._core, method)(*arguments, _request_timeout=PATIENCE_SECONDS)
        except ApiException as error:
            if error.status == NOT_FOUND and method != "create_namespaced_config_map":
                return None
            raise BrakeError(f"the API server answered {error.status}: {error.reason}") from error
        except (HTTPError, OSError) as error:
            raise BrakeError(f"the API server does not answer: {error}") from error
