"""The stages of an index run on the nodes of a Ray cluster; this machine walks, decides and writes."""
