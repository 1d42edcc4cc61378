"""The engines' side: one HTTP client, one attempt at a time, and the eyes on a stream."""
