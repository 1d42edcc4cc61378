"""The tutorial's commands for a cluster, on a real API server. Nothing is scheduled there, so whatever waits for pods is left out."""

from __future__ import annotations

import re
import secrets
import shutil
from pathlib import Path

import pytest
from tests.apiserver.cluster import Cluster
from tests.docs import shell
from tests.docs.markdown import Block, page

pytestmark = pytest.mark.apiserver

TUTORIAL = page("docs/tutorials/first-platform.md")
NEEDS_PODS = re.compile(r"port-forward|^helm test|^curl|^llmgen doctor")
WAITING = re.compile(r" --wait --timeout \w+")
NAMESPACE = re.compile(r"(?<=namespace )llm-serving\b")


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="the tutorial's commands call kubectl")
def test_the_tutorial_installs_and_rolls_out(cluster: Cluster, tmp_path: Path):
    namespace = f"llmgen-test-{secrets.token_hex(4)}"
    try:
        with shell.Shell(shell.checkout(tmp_path)) as reader:
            reader.run(f"export KUBECONFIG={cluster.kubeconfig}")
            for block in TUTORIAL.blocks:
                for text in _commands(block, namespace):
                    code, printed = reader.run(text)
                    assert code == 0 or shell.FAILS in block.tags, f"{block.where}: {text}\n{printed}"
            code, printed = reader.run(f"kubectl --namespace {namespace} get deployments --output name")
    finally:
        cluster.remove_namespace(namespace)
    assert code == 0
    assert {"deployment.apps/assistant-chat-v1", "deployment.apps/assistant-chat-v2"} <= set(printed.split())


def _commands(block: Block, namespace: str) -> list[str]:
    if block.language != "console" or set(block.tags) & (shell.NOT_RUN.keys() - {"cluster"}):
        return []
    texts = [NAMESPACE.sub(namespace, WAITING.sub("", command.text)) for command in shell.commands(block)]
    return [text for text in texts if "cluster" not in block.tags or not NEEDS_PODS.search(text)]
