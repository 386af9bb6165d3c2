"""What of an output nothing needs: listed, decided, removed."""
