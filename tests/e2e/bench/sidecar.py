#!/usr/bin/env python3
"""A post-renderer for Helm: gives the gateway pods a plain Envoy that istiod configures, where no injector does.

A native sidecar, as Istio's own: it starts before the gateway and ends after it. Requests to a model's Service go to it because the names
of those Services lead to 127.0.0.1 in the pod. Argument: the namespace. E2E_XDS is istiod's plain xDS port as pods reach it.
"""

import json
import os
import sys

import yaml

XDS = os.environ.get("E2E_XDS", "istiod.istio-system.svc:15010")
IMAGE = "localhost/e2e-bench:e2e"
PORT = 15021


def bootstrap(labels: dict, namespace: str) -> dict:
    """Envoy's own configuration; everything else comes from istiod."""
    host, _, port = XDS.rpartition(":")
    address = {"socket_address": {"address": host, "port_value": int(port)}}
    xds = {"ads": {}, "resource_api_version": "V3"}
    options = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
    http2 = {
        "@type": f"type.googleapis.com/{options}",
        "explicit_http_config": {
            "http2_protocol_options": {"connection_keepalive": {"interval": "30s", "timeout": "10s"}}
        },
    }
    metadata = {
        "CLUSTER_ID": "Kubernetes",
        "NAMESPACE": namespace,
        "ISTIO_VERSION": "1.31.0",
        "LABELS": labels,
        "INTERCEPTION_MODE": "NONE",
        "PROXY_CONFIG": {},
    }
    return {
        "node": {"metadata": metadata},
        "admin": {"address": {"socket_address": {"address": "0.0.0.0", "port_value": PORT}}},  # noqa: S104 -- the probe asks from outside
        "dynamic_resources": {
            "ads_config": {
                "api_type": "GRPC",
                "transport_api_version": "V3",
                "grpc_services": [{"envoy_grpc": {"cluster_name": "xds"}}],
            },
            "cds_config": xds,
            "lds_config": xds,
        },
        "static_resources": {
            "clusters": [
                {
                    "name": "xds",
                    "type": "STRICT_DNS",
                    "typed_extension_protocol_options": {options: http2},
                    "load_assignment": {
                        "cluster_name": "xds",
                        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
                    },
                }
            ]
        },
    }


def sidecar(labels: dict, namespace: str) -> dict:
    """The container."""
    fields = {"POD_NAME": "metadata.name", "POD_IP": "status.podIP"}
    node = f"sidecar~$(POD_IP)~$(POD_NAME).{namespace}~{namespace}.svc.cluster.local"
    return {
        "name": "envoy",
        "image": IMAGE,
        "command": ["envoy", "--service-node", node, "--service-cluster", f"gateway.{namespace}", "--concurrency", "1"],
        "args": ["--log-level", "warning", "--config-yaml", json.dumps(bootstrap(labels, namespace))],
        "restartPolicy": "Always",
        "env": [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in fields.items()],
        "startupProbe": {"httpGet": {"path": "/ready", "port": PORT}, "periodSeconds": 1, "failureThreshold": 60},
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }


def main() -> None:
    """Patch the Deployments of the component `gateway`."""
    objects = [one for one in yaml.safe_load_all(sys.stdin) if one]
    engines = [
        one["metadata"] for one in objects if one["kind"] == "Service" and one["spec"]["ports"][0]["port"] == 8000
    ]
    for one in objects:
        pod = one.get("spec", {}).get("template", {})
        labels = pod.get("metadata", {}).get("labels", {})
        if one["kind"] != "Deployment" or labels.get("app.kubernetes.io/component") != "gateway":
            continue
        namespace = sys.argv[1]
        names = [f"{service['name']}.{namespace}" for service in engines]
        pod["spec"]["hostAliases"] = [{"ip": "127.0.0.1", "hostnames": names}]
        pod["spec"].setdefault("initContainers", []).append(sidecar(labels, namespace))
    yaml.safe_dump_all(objects, sys.stdout)


if __name__ == "__main__":
    main()
