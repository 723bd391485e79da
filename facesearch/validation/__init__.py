"""How good a network is on the photos of one catalogue: faces drawn at random, labelled blind by two people.

`sample` draws them, `answers` reads what each person said, `agreement` compares the two with each other and with the
network, `standing` says whether a catalogue's network has been measured there.
"""
