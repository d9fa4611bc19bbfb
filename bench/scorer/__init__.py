"""Inference servers side by side: who they are, what each is asked, and how much that costs them."""
