"""The ASGI side: endpoints, errors, streaming and the life of the process."""
