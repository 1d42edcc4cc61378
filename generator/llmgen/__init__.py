"""llmgen: from one reviewed serving spec to a production vLLM stack on Kubernetes."""

__version__ = "0.1.0"
