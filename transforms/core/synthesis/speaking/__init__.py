"""What a generated annotator says: caption, time of each word, and the recogniser's errors."""
