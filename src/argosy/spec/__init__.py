"""What is wanted: declarations, frozen and pure. They validate, fingerprint, diff and speak JSON."""
