"""A fake vLLM 0.32: the same command line, HTTP surface and metrics, without a model. Standard library only."""
