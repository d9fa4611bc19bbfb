"""Windows, drift, live performance and alerts of a whole fleet."""
