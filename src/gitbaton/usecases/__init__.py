"""What someone can ask for. Every face calls only these."""
