"""The formats of collections of captions: a module each, and what they are called."""
