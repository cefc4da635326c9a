"""Answers people who ask a company about their personal data."""

__version__ = "0.1.0"
