"""Runs functions over chunks of work. Knows no stage."""
