"""Tests of the words and the law."""
