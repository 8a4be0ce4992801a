"""Tests of ``hours``: ``python3 -m unittest`` runs them all."""
