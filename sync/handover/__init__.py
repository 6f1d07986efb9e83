"""Mirror → C4C: batches, results of writes, links, the guard, and the dry run."""
