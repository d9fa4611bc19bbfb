"""Datasets: read what is new in their sources, check it against the contract, keep it as versions of Parquet parts."""
