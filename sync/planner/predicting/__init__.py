"""What a run would write: targets that only pretend to write, and the writes as people are shown them. Pure."""
