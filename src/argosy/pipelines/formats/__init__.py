"""The formats that come with Argosy, one file each, and the file-like ends that they write to and read from."""
