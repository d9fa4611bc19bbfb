"""Other systems' languages over the same facts."""
