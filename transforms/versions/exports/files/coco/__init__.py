"""A version as annotations of COCO: pieces of each file, and how they are joined."""
