"""Life cycle of the embedded clouds on loopback; each provider brings its own cloud."""
