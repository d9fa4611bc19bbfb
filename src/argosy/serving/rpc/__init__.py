"""The Open Inference Protocol over gRPC: the same batches, checks and answers as the doors over HTTP."""
