"""A fleet of runners and the people around it, driven through the real decisions in virtual time.

Claiming, contests, caps, transitions, reviews, the lifecycle table and the board are the product's own. Behind its
ports stand a server, clones and a network in memory. One thread runs at a time, and a seeded generator decides
who is next at every word with the remote, so that a seed tells the same story every time.
"""
