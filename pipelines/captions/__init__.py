"""The job of captions: collections of captions as tables, beside the paper's figures."""
