"""What a cluster is made of: Java, Flink's jars, Beam's job server."""
