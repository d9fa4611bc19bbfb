"""The doors of the inference server: each reads requests of one language into batches, and writes its answers."""
