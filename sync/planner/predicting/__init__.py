"""Predicts what a run would write: targets that simulate writes in memory, and predicted writes for people. Pure."""
