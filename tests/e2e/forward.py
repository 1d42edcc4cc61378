"""A port of a pod on this machine, through the API server, for tools that run outside the cluster."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import TYPE_CHECKING, Any

from kubernetes.stream import portforward

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.cluster import Cluster

CHUNK = 1 << 16


@contextlib.contextmanager
def forwarded(cluster: Cluster, pod: str, port: int) -> Iterator[str]:
    """Yield http://127.0.0.1:PORT while it leads to the pod."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener, cluster, pod, port), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # wakes accept


def _accept(listener: socket.socket, cluster: Cluster, pod: str, port: int) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_carry, args=(connection, cluster, pod, port), daemon=True).start()


def _carry(connection: socket.socket, cluster: Cluster, pod: str, port: int) -> None:
    """Both directions until one side ends."""
    with contextlib.suppress(OSError), connection:
        opened = portforward(
            cluster.core.connect_get_namespaced_pod_portforward, pod, cluster.namespace, ports=str(port)
        )
        inner: Any = opened.socket(port)
        with contextlib.closing(inner):
            other = {connection: inner, inner: connection}
            while True:
                for side in select.select([connection, inner], [], [])[0]:
                    data = side.recv(CHUNK)
                    if not data:
                        return
                    other[side].sendall(data)
