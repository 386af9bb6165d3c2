"""FilterQuality: which narratives are kept, and the threshold that is calibrated."""
