"""One file a command, added in `cli.main`; what several share is in options, opening, outputs, hits and probes."""
