"""Features: joined point in time, kept online, asked of a request, laid out for training."""
