"""A module for each page. A page is a function from a `Call` to a response, and runs in a thread."""
