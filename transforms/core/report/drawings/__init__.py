"""Pictures of the report, as SVG and PNG without a drawing library."""
