"""The clients' side: connections, endpoints, errors, streaming and the life of the process."""
