"""``baton demo``: a small real repository, and a plan that is worked off in it before your eyes.

``stage`` makes the repository and its server, ``story`` says what happens on it and in which order. What
happens are commands of gitbaton as a person types them; whoever tells the story brings the performer that
carries them out.
"""
