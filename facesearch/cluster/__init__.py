"""An existing Ray cluster: how it is reached, who is let in, and which nodes may work."""
