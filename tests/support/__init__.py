"""What the tests stand on: real servers on loopback, stateful fakes, runners of other people's tools."""
