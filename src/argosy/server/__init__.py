"""The API server: routes, authentication, settings at the edge."""
