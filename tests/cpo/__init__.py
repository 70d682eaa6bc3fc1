"""Tests of the reference CPO."""
