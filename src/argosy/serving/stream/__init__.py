"""Streams: rows consumed from topics of Redis or Kafka, answers produced to them."""
