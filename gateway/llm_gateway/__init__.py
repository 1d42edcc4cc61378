"""The gateway in front of the engines: policy before the GPU, and nothing in the way of the stream."""
