"""A version as `fiftyone.types.FiftyOneDataset`: samples, and what is said of their fields."""
