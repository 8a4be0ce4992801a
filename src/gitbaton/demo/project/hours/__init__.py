"""Reads a log of working hours and says where the time went."""
