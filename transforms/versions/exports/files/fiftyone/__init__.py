"""A version as samples of FiftyOne: pieces of each file, and how they are joined by image."""
