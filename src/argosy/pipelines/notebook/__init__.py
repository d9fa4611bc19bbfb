"""Jupyter notebooks: their tagged cells as a module of steps, and their execution in a kernel of its own."""
