"""Answers to what people ask, one module for each question: explain, plan, simulate, status, verify, resync, alerts."""
