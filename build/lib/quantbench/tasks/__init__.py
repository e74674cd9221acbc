"""Tasks: a network and its data, its layers, and single images as inputs."""
