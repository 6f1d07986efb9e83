"""Mirror → C4C: batches, what became of each write, pairs, the guard, and the next push played through."""
