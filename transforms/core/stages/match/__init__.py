"""MatchMentions: class names in captions, their boxes, and where trace points lie."""
