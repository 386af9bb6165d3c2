"""What sets engines up: Flink on this machine, templates for Dataflow."""
