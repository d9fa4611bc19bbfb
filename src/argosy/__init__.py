"""Argosy: keep fleets of models trained, gated, served, watched and explained."""
