"""Labels, boxes and image lists of Open Images and COCO, indexed by image."""
