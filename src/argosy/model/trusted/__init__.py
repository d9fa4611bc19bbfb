"""Models that hold code: pickles of estimators that a project trusts, loaded and asked in a process of their own."""
