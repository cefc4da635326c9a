"""The fault laboratory: the real program as processes of its own, faults at random, and a reader that trusts nobody."""
