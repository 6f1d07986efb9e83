"""One file for each job, and what runs them."""
