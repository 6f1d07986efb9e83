"""What can be wrong with the rule files beyond their form, said in the words of those who write them."""
