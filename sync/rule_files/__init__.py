"""Checks the rule files beyond their form, with messages in the words of the people who write them."""
