"""Where files come from: servers, buckets and disks, and what they answer."""
