"""The jobs, one file each, and the runner that runs them."""
