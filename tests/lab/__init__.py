"""The lab: real products on this machine with a population of invented people; see README.md."""
