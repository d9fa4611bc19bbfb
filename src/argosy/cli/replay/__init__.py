"""The demo: a year of flights replayed day by day, scored over HTTP, with the loop closed."""
